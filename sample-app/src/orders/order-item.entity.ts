import { ApiProperty } from '@nestjs/swagger';
import {
  Column,
  Entity,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  type Relation,
} from 'typeorm';
import type { Order } from './order.entity.js';

/** So many pieces of one article, at the price of the day. */
@Entity('sample_order_item')
export class OrderItem {
  @PrimaryGeneratedColumn('identity')
  readonly id!: number;

  /** Named by text: two ES modules that need each other's classes while loading do not load. */
  @ManyToOne('Order', 'items', { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'order_id' })
  order!: Relation<Order>;

  @ApiProperty({ example: 'whale-plush' })
  @Column('text')
  sku!: string;

  @ApiProperty({ example: 2 })
  @Column('integer')
  quantity!: number;

  @ApiProperty({ example: 2700 })
  @Column('integer', { name: 'price_cents' })
  priceCents!: number;
}
