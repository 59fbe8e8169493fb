import { ApiProperty } from '@nestjs/swagger';
import { Column, CreateDateColumn, Entity, OneToMany, PrimaryGeneratedColumn } from 'typeorm';
import { OrderItem } from './order-item.entity.js';

@Entity('sample_order')
export class Order {
  @ApiProperty({ example: 7 })
  @PrimaryGeneratedColumn('identity')
  readonly id!: number;

  @ApiProperty({ example: 'ada@example.com' })
  @Column('text')
  email!: string;

  /** In cents: money is counted, not measured. */
  @ApiProperty({ example: 5400 })
  @Column('integer', { name: 'total_cents' })
  totalCents!: number;

  @ApiProperty()
  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  readonly createdAt!: Date;

  @ApiProperty({ type: () => [OrderItem] })
  @OneToMany(() => OrderItem, (item) => item.order, { cascade: ['insert'], eager: true })
  items!: OrderItem[];
}
