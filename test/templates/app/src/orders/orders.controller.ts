import { Body, Controller, Get, Post } from '@nestjs/common';
import { RiverClient } from 'nestjs-river';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly river: RiverClient,
  ) {}

  @Post()
  async create(@Body() body: { email: string }): Promise<{ jobId: string }> {
    return { jobId: await this.orders.create(body.email) };
  }

  @Get()
  async count(): Promise<{ orders: number; jobs: number }> {
    const { jobs } = await this.river.jobList({ kinds: ['send_receipt'] });
    return { orders: await this.orders.count(), jobs: jobs.length };
  }
}
