import { Module, StandardSchemaValidationPipe, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverModule } from 'nestjs-river';
import { dataSourceOptions } from './database/data-source-options.js';
import { HealthController } from './health/health.controller.js';
import { RiverErrorFilter } from './http/river-error.filter.js';
import { JobsModule } from './jobs/jobs.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { OverviewModule } from './overview/overview.module.js';
import { QueuesModule } from './queues/queues.module.js';
import { ReportsModule } from './reports/reports.module.js';
import { SortModule } from './sort/sort.module.js';
import { WorkerStatus } from './worker/worker-status.js';
import { WorksModule } from './works/works.module.js';

/** What the application is given by whoever starts it. */
export interface AppOptions {
  readonly databaseUrl: string;
  readonly worker: WorkerStatus;
}

@Module({})
export class AppModule {
  static with({ databaseUrl, worker }: AppOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot(dataSourceOptions(databaseUrl)),
        // Takes the data source above; a job inserted in one of its transactions joins it. In
        // production River's tables would come as the deployment's step, not as each instance starts.
        RiverModule.forRoot({ migrate: true }),
        JobsModule,
        OrdersModule,
        OverviewModule,
        QueuesModule,
        ReportsModule,
        SortModule,
        WorksModule,
      ],
      controllers: [HealthController],
      providers: [
        { provide: WorkerStatus, useValue: worker },
        { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
        { provide: APP_FILTER, useClass: RiverErrorFilter },
      ],
    };
  }
}
