import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RiverClient } from 'nestjs-river';
import { JobPage, JobView } from './job-view.js';
import { JobsQuery, listParams } from './jobs.query.js';

@ApiTags('jobs')
@Controller('jobs')
export class JobsController {
  constructor(private readonly river: RiverClient) {}

  @Get()
  @ApiOperation({ summary: 'Jobs by state, kind and queue, newest first, a page at a time' })
  @ApiOkResponse({ type: JobPage })
  async list(@Query() query: JobsQuery): Promise<JobPage> {
    const params = listParams(query);
    const { jobs, lastCursor } = await this.river.jobList(params);
    const isFull = jobs.length === params.first;
    return { jobs: jobs.map((job) => JobView.of(job)), next: isFull ? lastCursor : undefined };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One job' })
  @ApiOkResponse({ type: JobView })
  async get(@Param('id') id: string): Promise<JobView> {
    return JobView.of(await this.river.jobGet(id));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel a job. One that is running ends when its worker has stopped' })
  @ApiOkResponse({ type: JobView })
  async cancel(@Param('id') id: string): Promise<JobView> {
    return JobView.of(await this.river.jobCancel(id));
  }

  @Post(':id/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Work a job again, or now if it is scheduled' })
  @ApiOkResponse({ type: JobView })
  async retry(@Param('id') id: string): Promise<JobView> {
    return JobView.of(await this.river.jobRetry(id));
  }
}
