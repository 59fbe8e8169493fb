import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RiverClient, type JobInsertResult } from 'nestjs-river';
import { DailyReport } from '../jobs/args/daily-report.js';
import { dailyReportBody, type DailyReportBody } from './daily-report.body.js';

@ApiTags('jobs')
@Controller('reports')
export class ReportsController {
  constructor(private readonly river: RiverClient) {}

  @Post('daily')
  @ApiOperation({
    summary: 'Insert a unique job: asked for again, it is skipped and the first one comes back',
  })
  daily(
    @Body({ schema: dailyReportBody }) body: DailyReportBody,
  ): Promise<JobInsertResult<DailyReport>> {
    const today = new Date().toISOString().slice(0, 10);
    return this.river.insert(new DailyReport(body.day ?? today));
  }
}
