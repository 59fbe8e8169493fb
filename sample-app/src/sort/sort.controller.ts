import { BadGatewayException, Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { InsertManyParams, RiverClient, type JobInsertResult } from 'nestjs-river';
import { SortArgs } from '../jobs/args/sort.args.js';
import { sortBatchBody, sortBody, type SortBatchBody, type SortBody } from './sort.bodies.js';

/** How long a request waits for a worker. */
const PATIENCE_MS = 10_000;

/** What the worker records; see `works/sort.worker.ts` and, in Go, `worker/sort.go`. */
interface SortOutput {
  readonly sorted: readonly string[];
}

function parseOutput(output: unknown): SortOutput {
  if (isSortOutput(output)) return output;
  throw new BadGatewayException('the worker has recorded something else than sorted strings');
}

function isSortOutput(output: unknown): output is SortOutput {
  const sorted = (output as Partial<SortOutput> | undefined)?.sorted;
  return Array.isArray(sorted) && sorted.every((item) => typeof item === 'string');
}

@ApiTags('jobs')
@Controller('sort')
export class SortController {
  constructor(private readonly river: RiverClient) {}

  @Post()
  @ApiOperation({ summary: 'Insert one job' })
  sort(@Body({ schema: sortBody }) body: SortBody): Promise<JobInsertResult<SortArgs>> {
    const { strings, delayMs, ...options } = body;
    return this.river.insert(new SortArgs(strings, delayMs), options);
  }

  @Post('answer')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Insert one job, wait for a worker, and respond with what it has sorted',
  })
  async answer(@Body({ schema: sortBody }) body: SortBody): Promise<SortOutput & { id: string }> {
    const { strings, delayMs, ...options } = body;
    const { job, output } = await this.river.insertAndWait(
      new SortArgs(strings, delayMs),
      options,
      { timeoutMs: PATIENCE_MS, parseOutput },
    );
    return { id: job.id, ...output };
  }

  @Post('batch')
  @ApiOperation({ summary: 'Insert many jobs in one statement: all of them, or none' })
  async batch(@Body({ schema: sortBatchBody }) body: SortBatchBody) {
    const { jobs, ...options } = body;
    const results = await this.river.insertMany(
      jobs.map(({ strings, delayMs }) =>
        InsertManyParams.of(new SortArgs(strings, delayMs), options),
      ),
    );
    const skipped = results.filter((result) => result.uniqueSkippedAsDuplicated).length;
    return {
      inserted: results.length - skipped,
      skipped,
      ids: results.map(({ job }) => job.id),
    };
  }
}
