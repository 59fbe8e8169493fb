/**
 * The stable codes of every {@link RiverError}. A code never changes its meaning between releases;
 * messages may.
 */
export type RiverErrorCode =
  // The module's set-up (RiverConfigurationError)
  | 'RIVER_INVALID_MODULE_OPTIONS'
  | 'RIVER_CLIENT_NAME_TAKEN'
  | 'RIVER_DATA_SOURCE_MISSING'
  | 'RIVER_DATA_SOURCE_NOT_INITIALIZED'
  | 'RIVER_DATA_SOURCE_NOT_POSTGRES'
  | 'RIVER_PG_NATIVE'
  | 'RIVER_PG_TOO_OLD'
  | 'RIVER_ENTITY_RENAMED'
  | 'RIVER_SCHEMA_MISSING'
  | 'RIVER_SCHEMA_OUTDATED'
  | 'RIVER_NO_TRANSACTIONS'
  | 'RIVER_CANNOT_LISTEN'
  | 'RIVER_PERIODIC_TABLE'
  // River's schema (RiverMigrationError)
  | 'RIVER_INVALID_MIGRATION_OPTIONS'
  | 'RIVER_INVALID_TARGET_VERSION'
  | 'RIVER_SCHEMA_NEWER'
  | 'RIVER_MIGRATION_FAILED'
  | 'RIVER_MIGRATION_LOCK_TIMEOUT'
  | 'RIVER_MIGRATION_NEEDS_COMMIT'
  | 'RIVER_MIGRATION_CONFLICT'
  | 'RIVER_BASELINE_MISMATCH'
  // A write to a read-only entity (ReadOnlyEntityError)
  | 'RIVER_READ_ONLY_ENTITY'
  // A job refused before anything is sent (InvalidJobError)
  | 'RIVER_ARGS_UNDECORATED'
  | 'RIVER_ARGS_NOT_OBJECT'
  | 'RIVER_ARGS_NOT_JSON'
  | 'RIVER_LIST_TOO_LARGE'
  | 'RIVER_KIND_TAKEN'
  | 'RIVER_INVALID_ITEMS'
  | 'RIVER_OTHER_COPY'
  | 'RIVER_INVALID_KIND'
  | 'RIVER_INVALID_OPTION'
  | 'RIVER_INVALID_UNIQUE_OPTS'
  // A call about jobs and queues (InvalidParamsError, and the classes of administration-error.ts)
  | 'RIVER_INVALID_PARAMS'
  | 'RIVER_INVALID_CURSOR'
  | 'RIVER_JOB_NOT_FOUND'
  | 'RIVER_JOB_KIND'
  | 'RIVER_JOB_RUNNING'
  | 'RIVER_JOB_NOT_STUCK'
  | 'RIVER_JOB_NOT_WAITING'
  | 'RIVER_JOB_UNIQUE_CONFLICT'
  | 'RIVER_UNIQUE_KEY_UNKNOWN'
  | 'RIVER_QUEUE_NOT_FOUND'
  // A call rejected or aborted (RiverTransactionError, InsertAbortedError, TooManyPendingInsertsError)
  | 'RIVER_INVALID_TRANSACTION'
  | 'RIVER_NOT_IN_TRANSACTION'
  | 'RIVER_OUTSIDE_TRANSACTION'
  | 'RIVER_OTHER_DATA_SOURCE'
  | 'RIVER_TRANSACTION_ENDED'
  | 'RIVER_TRANSACTION_ENDED_WITHIN'
  | 'RIVER_TRANSACTION_ROLLED_BACK'
  | 'RIVER_TRANSACTION_SCOPE_BUSY'
  | 'RIVER_TRANSACTION_UNFINISHED'
  | 'RIVER_TRANSACTION_ABORTED'
  | 'RIVER_SECOND_CONNECTION_TIMEOUT'
  | 'RIVER_HOOK_TIMEOUT'
  | 'RIVER_COMMIT_OUTCOME_UNKNOWN'
  | 'RIVER_SHUTTING_DOWN'
  | 'RIVER_ISOLATION_LEVEL'
  | 'RIVER_ABORTED'
  | 'RIVER_TOO_MANY_PENDING_INSERTS'
  // A trigger kept a job out (JobDroppedError)
  | 'RIVER_JOB_DROPPED'
  // A bulk insert (InsertItemsError, UniqueConflictError)
  | 'RIVER_ITEMS_FAILED'
  | 'RIVER_UNIQUE_CONFLICT'
  // A wait for the end of a job (JobFailedError, WaitTimeoutError, WaitAbortedError)
  | 'RIVER_JOB_CANCELLED'
  | 'RIVER_JOB_DISCARDED'
  | 'RIVER_WAIT_TIMEOUT'
  | 'RIVER_WAIT_ABORTED'
  | 'RIVER_WAIT_IN_TRANSACTION'
  // An attempt of a worker (AttemptAbortedError, JobLostError, UnworkableJobError)
  | 'RIVER_JOB_TIMEOUT'
  | 'RIVER_ATTEMPT_CANCELLED'
  | 'RIVER_WORKER_STOPPING'
  | 'RIVER_ATTEMPT_FINISHED'
  | 'RIVER_JOB_LOST'
  | 'RIVER_UNWORKABLE_JOB'
  | 'RIVER_NOT_IN_JOB'
  // The set-up of a worker (RiverConfigurationError)
  | 'RIVER_INVALID_WORKER'
  | 'RIVER_WORKER_RIGHTS'
  | 'RIVER_CLIENT_ID_TAKEN'
  // The client of RiverTestingModule, of nestjs-river/testing
  | 'RIVER_NOT_IN_MEMORY'
  // The database (DatabaseError, InsertOutcomeUnknownError)
  | 'RIVER_INSERT_OUTCOME_UNKNOWN'
  | 'RIVER_DATABASE';
