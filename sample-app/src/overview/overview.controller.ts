import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { JobsService } from '../jobs/jobs.service.js';
import { OrdersService } from '../orders/orders.service.js';

/** How much there is of everything. */
export interface Overview {
  readonly orders: number;
  readonly jobs: number;
  readonly jobsByState: Readonly<Record<string, number>>;
}

@ApiTags('overview')
@Controller('overview')
export class OverviewController {
  constructor(
    private readonly jobs: JobsService,
    private readonly orders: OrdersService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Numbers of orders and of jobs by state' })
  async overview(): Promise<Overview> {
    const [orders, jobsByState] = await Promise.all([
      this.orders.count(),
      this.jobs.countByState(),
    ]);
    const jobs = Object.values(jobsByState).reduce((sum, count) => sum + count, 0);
    return { orders, jobs, jobsByState };
  }
}
