import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverWorkerModule } from 'nestjs-river/worker';
import { NEST_CLIENT } from '../jobs/nest-client.js';
import { OrderItem } from '../orders/order-item.entity.js';
import { OrdersWorker } from './orders.worker.js';
import { SortWorker } from './sort.worker.js';

/** The jobs that are worked in this process. The queue `slow` is left to Go. */
@Module({
  imports: [
    TypeOrmModule.forFeature([OrderItem]),
    RiverWorkerModule.forRootAsync({
      useFactory: () => ({
        queues: { default: 5, mail: 5 },
        clientId: `${NEST_CLIENT}${process.pid}_${Date.now()}`,
        softStopMs: 5_000,
      }),
    }),
  ],
  providers: [OrdersWorker, SortWorker],
})
export class WorksModule {}
