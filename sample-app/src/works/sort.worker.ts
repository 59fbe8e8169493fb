import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { complete, Work, type Job } from 'nestjs-river/worker';
import { SortArgs } from '../jobs/args/sort.args.js';

/** Sorts strings, as `worker/sort.go` does: these jobs are worked by whoever takes them first. */
@Injectable()
export class SortWorker {
  @Work(SortArgs)
  async sort(job: Job<SortArgs>) {
    const { strings, delayMs } = job.args;
    if (delayMs !== undefined) await sleep(delayMs, undefined, { signal: job.signal });
    return complete({ sorted: [...strings].sort() });
  }
}
