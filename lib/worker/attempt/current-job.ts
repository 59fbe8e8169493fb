import { AsyncLocalStorage } from 'node:async_hooks';
import { RiverError } from '../../errors/river-error.js';
import type { WorkedJob } from './job.js';

const current = new AsyncLocalStorage<WorkedJob>();

/** Runs `work`, and all that it begins, as part of the attempt of a job. */
export function runInJob<T>(job: WorkedJob, work: () => T): T {
  return current.run(job, work);
}

/**
 * The job that the running code works, wherever it is called below a `@Work` method. Injectable.
 *
 * @example
 * constructor(private readonly current: CurrentJob) {}
 * progress(sent: number) { this.current.setMetadata('sent', sent); }
 */
export class CurrentJob {
  /** Whether the running code is part of an attempt. */
  get isActive(): boolean {
    return current.getStore() !== undefined;
  }

  /**
   * The job under way.
   *
   * @throws RiverError with code RIVER_NOT_IN_JOB outside of an attempt
   */
  get job(): WorkedJob {
    const job = current.getStore();
    if (job !== undefined) return job;
    throw new RiverError(
      'CurrentJob: the running code is not part of an attempt of a job. Ask isActive before, or pass the job.',
      { code: 'RIVER_NOT_IN_JOB' },
    );
  }

  /** The signal of the attempt, see {@link WorkedJob.signal}. */
  get signal(): AbortSignal {
    return this.job.signal;
  }

  /** Sets a key of the job's metadata, see {@link WorkedJob.setMetadata}. */
  setMetadata(key: string, value: unknown): void {
    this.job.setMetadata(key, value);
  }

  /** Records the output of the job, see {@link WorkedJob.recordOutput}. */
  recordOutput(output: unknown): void {
    this.job.recordOutput(output);
  }
}
