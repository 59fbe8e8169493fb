export { InjectRiverWorker } from '../../decorators/worker/inject-river-worker.decorator.js';
export {
  OnJobCancelled,
  OnJobCompleted,
  OnJobDiscarded,
  OnJobFailed,
  OnJobInterrupted,
  OnJobSnoozed,
  OnJobStuck,
  type JobEventDecorator,
  type OnJobEvent,
} from '../../decorators/worker/on-job-event.decorator.js';
export { Periodic, type PeriodicOptions } from '../../decorators/worker/periodic.decorator.js';
export { Work, type WorkDecorator } from '../../decorators/worker/work.decorator.js';
export {
  AttemptAbortedError,
  AttemptCancelledError,
  JobAttemptFinishedError,
  JobLostError,
  JobTimeoutError,
  UnworkableJobError,
  WorkerStoppingError,
} from '../errors/worker-errors.js';
export { getRiverWorkerToken } from '../tokens.js';
export { CurrentJob } from './attempt/current-job.js';
export type { WorkerMiddleware } from './attempt/handler.js';
export type { JobEvent, JobEventType } from './attempt/job-event.js';
export type { Job, WorkedJob } from './attempt/job.js';
export type {
  DecodingWorkOptions,
  KindSource,
  StandardIssue,
  StandardResult,
  StandardSchema,
  WorkOptions,
} from './handlers/worker-metadata.js';
export {
  cancel,
  complete,
  discard,
  snooze,
  type CancelOutcome,
  type CompleteOutcome,
  type DiscardOutcome,
  type Outcome,
  type SnoozeOutcome,
} from './outcome/outcome.js';
export type { Retry } from './outcome/retry-policy.js';
export { RiverWorker, type StopOptions, type WorkerStatus } from './river-worker.js';
export {
  RiverWorkerModule,
  type RiverWorkerModuleExtras,
  type RiverWorkerModuleForRootAsyncOptions,
  type RiverWorkerModuleForRootOptions,
  type RiverWorkerOptionsFactory,
} from './river-worker.module.js';
export type { QueueOptions, RetentionOptions, RiverWorkerModuleOptions } from './worker-options.js';
