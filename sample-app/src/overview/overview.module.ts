import { Module } from '@nestjs/common';
import { OrdersModule } from '../orders/orders.module.js';
import { OverviewController } from './overview.controller.js';

@Module({ imports: [OrdersModule], controllers: [OverviewController] })
export class OverviewModule {}
