import type { Type } from '@nestjs/common';
import type { JobRow } from '../job/row/job-row.js';
import type { WorkerMiddleware } from './attempt/handler.js';
import type { WorkedJob } from './attempt/job.js';

/** How the jobs of one queue are worked. */
export interface QueueOptions {
  /** Jobs worked at once in this process, 1 to 10000. */
  readonly maxWorkers: number;
  /** **Milliseconds** between two claims that found fewer jobs than there were slots, 1 or more. Default 100. */
  readonly fetchCooldownMs?: number | undefined;
  /** **Milliseconds** between two claims without a notification, not below the cooldown. Default 1000. */
  readonly pollIntervalMs?: number | undefined;
}

/** How long ended jobs are kept, in **milliseconds**; false: for ever. */
export interface RetentionOptions {
  /** Default 24 hours. */
  readonly completedMs?: number | false | undefined;
  /** Default 24 hours. */
  readonly cancelledMs?: number | false | undefined;
  /** Default 7 days. */
  readonly discardedMs?: number | false | undefined;
}

/** Options of `RiverWorkerModule.forRoot()` that a factory of `forRootAsync()` may also give. */
export interface RiverWorkerModuleOptions {
  /** The queues that are worked: for each name its number of workers, or its options. */
  readonly queues: Readonly<Record<string, number | QueueOptions>>;
  /** false: nothing is worked in this process, it only inserts. Default true. */
  readonly enabled?: boolean | undefined;
  /** false: nothing is worked before `RiverWorker.start()` is called. Default true. */
  readonly autoStart?: boolean | undefined;
  /** Whether jobs of kinds without a handler here are left for other workers. Default true. */
  readonly onlyKnownKinds?: boolean | undefined;
  /**
   * Whether this process may lead the fleet's maintenance (retries, rescue, cleaning). `auto`: only while
   * nobody else does; `elect`: as an equal of Go's clients; `never`. Default `auto`.
   */
  readonly maintenance?: 'auto' | 'elect' | 'never' | undefined;
  /** Unique in the fleet, 1 to 100 characters. Default: made of the host's name and the time. */
  readonly clientId?: string | undefined;
  /** **Milliseconds** an attempt may take; false: no limit. Default 60000. */
  readonly jobTimeoutMs?: number | false | undefined;
  /** **Milliseconds** after its time limit until an attempt that goes on is reported as stuck. Default 10000. */
  readonly stuckAfterMs?: number | undefined;
  /** **Milliseconds** after which a running job is taken for lost. Default: 1 hour, or the time limit + 1 hour. */
  readonly rescueAfterMs?: number | undefined;
  /** **Milliseconds** that running jobs have at a stop until their signals abort. Default 25000. */
  readonly softStopMs?: number | undefined;
  readonly retention?: RetentionOptions | undefined;
  /** When a failed job is tried again, if its handler does not say. Default: River's own policy. */
  readonly retryPolicy?: ((job: JobRow, error: unknown) => number | Date | undefined) | undefined;
  /** Called when an attempt fails. `cancel`: the job is not tried again. */
  readonly onError?: ((job: JobRow, error: unknown) => 'cancel' | undefined | void) | undefined;
  /** Called when an attempt is stuck. `addSlot`: another job is worked in its place. */
  readonly onStuck?: ((job: JobRow) => 'addSlot' | undefined | void) | undefined;
  /** Providers around each attempt, the first outermost. */
  readonly middleware?: readonly Type<WorkerMiddleware>[] | undefined;
  /** Functions for kinds that have no `@Work` method. */
  readonly works?: Readonly<Record<string, (job: WorkedJob) => unknown>> | undefined;
  /** The worker's own connections. */
  readonly connections?:
    | {
        /** How many, 2 to 20, that of `listen` included. Default 3. */
        readonly max?: number | undefined;
        /** false: jobs are found by polling only, as behind a pooler. Default true. */
        readonly listen?: boolean | undefined;
      }
    | undefined;
}

/** The options of one queue with every default. */
export type ResolvedQueueOptions = { readonly [Name in keyof QueueOptions]-?: number };

/** The options of a worker with every default. */
export interface ResolvedWorkerOptions {
  readonly queues: ReadonlyMap<string, ResolvedQueueOptions>;
  readonly enabled: boolean;
  readonly autoStart: boolean;
  readonly onlyKnownKinds: boolean;
  readonly maintenance: 'auto' | 'elect' | 'never';
  readonly clientId: string;
  readonly jobTimeoutMs: number | false;
  readonly stuckAfterMs: number;
  readonly rescueAfterMs: number;
  readonly softStopMs: number;
  readonly retention: {
    readonly completedMs: number | false;
    readonly cancelledMs: number | false;
    readonly discardedMs: number | false;
  };
  readonly retryPolicy: RiverWorkerModuleOptions['retryPolicy'];
  readonly onError: RiverWorkerModuleOptions['onError'];
  readonly onStuck: RiverWorkerModuleOptions['onStuck'];
  readonly middleware: readonly Type<WorkerMiddleware>[];
  readonly works: Readonly<Record<string, (job: WorkedJob) => unknown>>;
  readonly connections: { readonly max: number; readonly listen: boolean };
}
