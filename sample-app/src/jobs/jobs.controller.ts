import { Controller, DefaultValuePipe, Get, ParseIntPipe, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { JobView } from './job-view.js';
import { JobsService } from './jobs.service.js';

const MOST = 500;

@ApiTags('jobs')
@Controller('jobs')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  @Get()
  @ApiOperation({ summary: 'The latest jobs, newest first' })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', default: 50, maximum: MOST },
  })
  @ApiOkResponse({ type: JobView, isArray: true })
  list(@Query('limit', new DefaultValuePipe(50), ParseIntPipe) limit: number): Promise<JobView[]> {
    return this.jobs.latest(Math.min(Math.max(limit, 1), MOST));
  }
}
