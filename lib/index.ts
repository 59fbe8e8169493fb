export {
  InjectRiverClient,
  InjectRiverTransaction,
} from '../decorators/inject-river-client.decorator.js';
export { JobArgs } from '../decorators/job-args.decorator.js';
export {
  RiverTransactional,
  type TransactionalDecorator,
} from '../decorators/river-transactional.decorator.js';
export { UniqueArg, type UniqueArgDecorator } from '../decorators/unique-arg.decorator.js';
export {
  TransactionManager,
  TransactionQueryRunner,
} from '../decorators/transaction-parameters.decorator.js';
export type {
  JobDeleteManyParams,
  JobDeleteManyResult,
  JobManyParams,
  JobManyResult,
} from './admin/job-many-params.js';
export type { JobFilters, TimeRange } from './admin/job-filters.js';
export type { JobId } from './admin/job-id.js';
export type { JobListOrderBy, JobListParams, JobListResult } from './admin/job-list-params.js';
export type { JobRescueParams } from './admin/job-rescue-params.js';
export type { JobUpdateParams } from './admin/job-update-params.js';
export type { Queue, QueueListParams, QueueListResult, QueueUpdateParams } from './admin/queue.js';
export type { QueueStats, QueueStatsParams, UnfinalizedState } from './admin/queue-stats.js';
export type {
  InsertManyFastItems,
  InsertManyFastOptions,
  InsertManyFastResult,
} from './client/insert-many-fast.js';
export {
  InsertManyParams,
  type InsertManyItem,
  type InsertManyResults,
} from './client/insert-many-params.js';
export type { NotifyOptions, WaitPollOptions } from './client/client-options.js';
export { RiverClient } from './client/river-client.js';
export type { UniqueExplanation } from './client/unique-explanation.js';
export type { OutputOptions, WaitOptions } from './client/wait-options.js';
export {
  JobKindError,
  JobNotFoundError,
  JobNotStuckError,
  JobNotWaitingError,
  JobRunningError,
  JobUniqueConflictError,
  QueueNotFoundError,
} from './errors/administration-error.js';
export { RiverConfigurationError } from './errors/configuration-error.js';
export {
  DatabaseError,
  InsertOutcomeUnknownError,
  type DatabaseErrorOptions,
} from './errors/database-error.js';
export type { RiverErrorCode } from './errors/error-code.js';
export { InsertAbortedError } from './errors/insert-aborted-error.js';
export { JobDroppedError, type DroppedJob } from './errors/job-dropped-error.js';
export { InsertItemsError } from './errors/insert-items-error.js';
export { InvalidJobError } from './errors/invalid-job-error.js';
export { InvalidParamsError } from './errors/invalid-params-error.js';
export { RiverMigrationError, type RiverMigrationErrorOptions } from './errors/migration-error.js';
export { ReadOnlyEntityError } from './errors/read-only-entity-error.js';
export {
  RiverError,
  type RiverErrorOptions,
  type RiverErrorOutcome,
} from './errors/river-error.js';
export {
  CommitOutcomeUnknownError,
  HookTimeoutError,
  type CommitOutcome,
  type EndingCommand,
  NotInTransactionError,
  ShuttingDownError,
  TransactionAbortedError,
  TransactionScopeBusyError,
  TransactionUnfinishedError,
  RiverTransactionError,
  SecondConnectionTimeoutError,
  TransactionEndedError,
  TransactionEndedWithinError,
  TransactionRolledBackError,
} from './errors/transaction-error.js';
export { TooManyPendingInsertsError } from './errors/too-many-pending-inserts-error.js';
export { UniqueConflictError } from './errors/unique-conflict-error.js';
export { rawJson, type RawJson } from './insert/raw-json.js';
export type {
  InsertOptions,
  InsertOptionsByPath,
  TopLevelKey,
  OutsideTransaction,
  Path,
  UniqueOptions,
  UniqueOptionsByPath,
} from './job/insert-opts.js';
export type { ArgsClass } from './job/job-args-metadata.js';
export { jobArgs, type PayloadArgs } from './job/job-args.js';
export type { JobArgsProtocol } from './job/job-args-protocol.js';
export type { JobInsertResult } from './job/job-insert-result.js';
export type { JobObject, PossibleArgs } from './job/job-object.js';
export type { JobResult, JsonArgsOf } from './job/job-result.js';
export {
  JobCancelledError,
  JobDiscardedError,
  JobFailedError,
  WaitAbortedError,
  WaitTimeoutError,
} from './job/job-result-errors.js';
export { JobRow, type AttemptError, type JobRowFields } from './job/job-row.js';
export { JOB_STATES, type JobState } from './job/job-state.js';
export type { Jsonify } from './job/jsonify.js';
export type { CoalesceOptions } from './client/insert-lanes.js';
export type { PgClient, PgQuery } from './postgres/driver/pg-client.js';
export type {
  RiverModuleExtras,
  RiverModuleForRootAsyncOptions,
  RiverModuleForRootOptions,
  RiverModuleOptions,
  RiverOptionsFactory,
} from './river.module-options.js';
export { RiverModule } from './river.module.js';
export { getRiverClientToken, getRiverTransactionToken } from './tokens.js';
export type { Transaction } from './transaction/explicit-transaction.js';
export { RiverTransaction, type TransactionWork } from './transaction/river-transaction.js';
export { RiverTransactionInterceptor } from './nest/river-transaction.interceptor.js';
export type {
  IsolationLevel,
  Propagation,
  RiverTransactionOptions,
} from './transaction/context/transaction-options.js';
export type { TransactionSource } from './transaction/context/ambient-transaction.js';
export type { TransactionHook } from './transaction/context/transaction-hooks.js';
export type { TransactionalMethodOptions } from './nest/transactional-metadata.js';
