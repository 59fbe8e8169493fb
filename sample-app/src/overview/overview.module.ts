import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module.js';
import { OrdersModule } from '../orders/orders.module.js';
import { OverviewController } from './overview.controller.js';

@Module({ imports: [JobsModule, OrdersModule], controllers: [OverviewController] })
export class OverviewModule {}
