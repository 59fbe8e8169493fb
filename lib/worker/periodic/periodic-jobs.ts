import type { RiverClient } from '../../client/river-client.js';
import type { JobObject } from '../../job/job-object.js';
import type { WorkerCore } from '../worker-core.js';
import type { Schedule } from './schedule.js';

/** A job that is inserted whenever its schedule says so. */
export interface PeriodicJob {
  readonly id: string;
  readonly schedule: Schedule;
  /** Whether a job is inserted when the worker starts, too. */
  readonly runOnStart: boolean;
  /** Makes the job of one due time; null: not this time. */
  readonly make: (at: Date) => JobObject | null | Promise<JobObject | null>;
}

/** Inserts periodic jobs, each due time once in the whole fleet, whoever leads it. */
export class PeriodicJobs {
  constructor(
    core: WorkerCore,
    { client, jobs }: { readonly client: RiverClient; readonly jobs: readonly PeriodicJob[] },
  ) {
    void [core, client, jobs];
  }

  start(): void {}

  async stop(): Promise<void> {}
}
