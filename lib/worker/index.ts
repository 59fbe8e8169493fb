export type { Job } from './attempt/job.js';
export type { JobEvent, JobEventType } from './attempt/job-event.js';
export type { WorkerMiddleware } from './attempt/handler.js';
export type { Outcome } from './outcome/outcome.js';
export type { QueueOptions, RetentionOptions, RiverWorkerModuleOptions } from './worker-options.js';
