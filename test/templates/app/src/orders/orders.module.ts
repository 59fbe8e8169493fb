import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverModule } from 'nestjs-river';
import { RiverJobEntity } from 'nestjs-river/entities';
import { Order } from './order.entity.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['DATABASE_URL'],
      entities: [Order, RiverJobEntity],
      synchronize: true,
      retryAttempts: 0,
    }),
    TypeOrmModule.forFeature([Order]),
    RiverModule.forRoot({ migrate: true }),
  ],
  controllers: [OrdersController],
  providers: [OrdersService],
})
export class OrdersModule {}
