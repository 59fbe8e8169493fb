import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RiverClient } from 'nestjs-river';
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
    private readonly river: RiverClient,
    private readonly orders: OrdersService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Numbers of orders and of jobs by state' })
  async overview(): Promise<Overview> {
    const [orders, queues] = await Promise.all([
      this.orders.count(),
      this.river.queueStats({ finalized: true }),
    ]);
    const jobsByState: Record<string, number> = {};
    for (const [state, count] of queues.flatMap(({ counts }) => Object.entries(counts))) {
      jobsByState[state] = (jobsByState[state] ?? 0) + count;
    }
    const jobs = Object.values(jobsByState).reduce((sum, count) => sum + count, 0);
    return { orders, jobs, jobsByState };
  }
}
