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
  | 'RIVER_SCHEMA_MISSING'
  | 'RIVER_SCHEMA_OUTDATED'
  // A job refused before anything is sent (InvalidJobError)
  | 'RIVER_ARGS_UNDECORATED'
  | 'RIVER_ARGS_NOT_OBJECT'
  | 'RIVER_ARGS_NOT_JSON'
  | 'RIVER_KIND_TAKEN'
  | 'RIVER_INVALID_KIND'
  | 'RIVER_INVALID_MAX_ATTEMPTS'
  | 'RIVER_INVALID_METADATA'
  | 'RIVER_INVALID_OPTION'
  | 'RIVER_INVALID_PENDING'
  | 'RIVER_INVALID_PRIORITY'
  | 'RIVER_INVALID_QUEUE'
  | 'RIVER_INVALID_SCHEDULED_AT'
  | 'RIVER_INVALID_TAGS'
  | 'RIVER_INVALID_UNIQUE_OPTS'
  // A call refused or given up (RiverTransactionError, InsertAbortedError)
  | 'RIVER_INVALID_TRANSACTION'
  | 'RIVER_NOT_IN_TRANSACTION'
  | 'RIVER_OUTSIDE_TRANSACTION'
  | 'RIVER_OTHER_DATA_SOURCE'
  | 'RIVER_TRANSACTION_ENDED'
  | 'RIVER_TRANSACTION_ROLLED_BACK'
  | 'RIVER_ISOLATION_LEVEL'
  | 'RIVER_ABORTED'
  // The database (DatabaseError)
  | 'RIVER_DATABASE';
