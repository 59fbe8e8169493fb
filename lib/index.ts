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
} from './client/bulk/insert-many-fast-options.js';
export {
  InsertManyParams,
  type InsertManyItem,
  type InsertManyResults,
} from './client/inserts/insert-many-params.js';
export type {
  CoalesceOptions,
  NotifyOptions,
  WaitPollOptions,
} from './client/options/client-options.js';
export type { JobAdministration } from './client/administration/job-administration.js';
export type { JobManyAdministration } from './client/administration/job-many-administration.js';
export type { QueueAdministration } from './client/administration/queue-administration.js';
export { RiverClient } from './client/river-client.js';
export type { UniqueExplanation } from './client/inserts/unique-explanation.js';
export type { OutputOptions, WaitOptions } from './client/wait/wait-options.js';
export {
  JobKindError,
  JobNotFoundError,
  JobNotStuckError,
  JobNotWaitingError,
  JobRunningError,
  JobUniqueConflictError,
  QueueNotFoundError,
} from './errors/administration-errors.js';
export {
  RiverConfigurationError,
  RiverMigrationError,
  type RiverMigrationErrorOptions,
  ReadOnlyEntityError,
} from './errors/setup-errors.js';
export {
  DatabaseError,
  InsertOutcomeUnknownError,
  type DatabaseErrorOptions,
} from './errors/database-errors.js';
export type { RiverErrorCode } from './errors/error-code.js';
export {
  InsertAbortedError,
  JobDroppedError,
  type DroppedJob,
  InsertItemsError,
  TooManyPendingInsertsError,
  UniqueConflictError,
} from './errors/insert-errors.js';
export { InvalidJobError, InvalidParamsError } from './errors/invalid-errors.js';
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
} from './errors/transaction-errors.js';
export { rawJson, type RawJson } from './insert/json/raw-json.js';
export type {
  InsertOptions,
  InsertOptionsByPath,
  TopLevelKey,
  OutsideTransaction,
  Path,
  UniqueOptions,
  UniqueOptionsByPath,
} from './job/insert-options.js';
export type { ArgsClass } from './job/job-args-metadata.js';
export { jobArgs, type PayloadArgs, type JobArgsProtocol } from './job/job-args.js';
export type { JobInsertResult } from './job/row/job-insert-result.js';
export type { JobObject, PossibleArgs } from './job/job-object.js';
export type { JobResult, JsonArgsOf } from './job/row/job-result.js';
export {
  JobCancelledError,
  JobDiscardedError,
  JobFailedError,
  WaitAbortedError,
  WaitTimeoutError,
} from './errors/wait-errors.js';
export { JobRow, type AttemptError, type JobRowFields } from './job/row/job-row.js';
export { JOB_STATES, type JobState } from './job/row/job-state.js';
export type { Jsonify } from './job/row/jsonify.js';
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
