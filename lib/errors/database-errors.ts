import { withoutValues } from './conceal.js';
import type { RiverErrorCode } from './error-code.js';
import { explain, isOfCachedPlan, type ServerError } from './explain-sql-state.js';
import { RiverError, type RiverErrorOutcome } from './river-error.js';

/**
 * SQLSTATEs after which the same call may succeed in a new transaction: serialization failure,
 * deadlock, lock not available, lost prepared statements, and the classes of lost connections, lack
 * of resources and an operator's intervention.
 */
const RETRYABLE = /^(40001|40P01|55P03|26000|42P05|25P0[34]|08...|53...|57P0[1-5])$/;

/** Codes of Node's sockets that say that the connection is gone, or cannot be had now. */
const CONNECTION_LOST =
  /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/**
 * What `pg` says of a connection that is gone, that its pool could not have, or on which the answer did
 * not come within `query_timeout`; it gives no code.
 */
const NO_CONNECTION =
  /^(Connection terminated|Client (was|has)|timeout exceeded when trying|Query read timeout)/;

/** SQLSTATEs with which the server closes the connection. */
const CLOSING = /^(08...|25P0[34]|57P0[1-5])$/;

/**
 * SQLSTATEs that say nothing of a row: lost connections, conflicts with others, a lack of resources, tables and
 * rights that are missing. By others Postgres refuses what is in one: bad data, constraints, triggers.
 */
const OF_ALL = /^(08|0A|25|26|3D|3F|40|42|53|55|57|58)/;

/** What a {@link DatabaseError} is made of beside the driver's error. */
export interface DatabaseErrorOptions {
  readonly outcome?: RiverErrorOutcome | undefined;
  readonly code?: RiverErrorCode | undefined;
  readonly message?: string | undefined;
  /** Where the SQLSTATE alone does not say it. */
  readonly mayPass?: boolean | undefined;
  /** What ended a statement with SQLSTATE 57014, as far as it is known. */
  readonly interruption?: 'time-out' | 'cancel' | undefined;
}

/**
 * The database refused a statement or the connection broke. The driver's error is the `cause`; its
 * SQLSTATE is {@link sqlState}. The message holds neither SQL nor values, and what may hold values in the
 * cause (`detail`, `where`, `fullMessage`) is there for code and is not printed.
 */
export class DatabaseError extends RiverError {
  override readonly retryable: boolean;
  /** The five characters of Postgres' SQLSTATE; undefined when the connection broke. */
  readonly sqlState: string | undefined;

  constructor(operation: string, cause: unknown, options: DatabaseErrorOptions = {}) {
    const code = errorCode(cause);
    const sqlState = sqlStateOf(cause);
    const { outcome = 'not-stored', message } = options;
    const { interruption, mayPass = interruption === 'time-out' } = options;
    const why = { ...serverErrorOf(cause), code, interruption };
    super(message ?? `${operation} failed in the database: ${explain(sqlState, why)}`, {
      code: options.code ?? 'RIVER_DATABASE',
      outcome,
      cause: withoutValues(cause),
    });
    this.sqlState = sqlState;
    const isPassing =
      sqlState === undefined
        ? CONNECTION_LOST.test(code ?? '') || NO_CONNECTION.test(errorMessage(cause))
        : RETRYABLE.test(sqlState) || isOfCachedPlan(sqlState, why);
    this.retryable = (isPassing || mayPass) && outcome === 'not-stored';
  }

  /** @internal The error of a statement of ours that TypeORM sent; another error as it is. */
  static ofTypeorm(operation: string, error: unknown): unknown {
    const { driverError } = Object(error) as { readonly driverError?: unknown };
    return driverError === undefined ? error : new DatabaseError(operation, driverError);
  }

  /** @internal Whether a prepared statement was not there any more, or there already. */
  get isOfPreparedStatements(): boolean {
    return this.sqlState === '26000' || this.sqlState === '42P05' || this.isOfCachedPlan;
  }

  /** @internal Whether a prepared statement returns other types since the table was changed. */
  get isOfCachedPlan(): boolean {
    return isOfCachedPlan(this.sqlState, serverErrorOf(this.cause));
  }

  /** @internal Whether it is one of the rows of the statement that Postgres refuses. */
  get isOfRow(): boolean {
    if (this.sqlState === undefined) return false;
    // Row-level security refuses a row by the SQLSTATE of missing rights.
    const { routine } = Object(this.cause) as { readonly routine?: unknown };
    return routine === 'ExecWithCheckOptions' || !OF_ALL.test(this.sqlState);
  }

  /** @internal Whether the connection on which it happened must not be used again. */
  get endsConnection(): boolean {
    return this.sqlState === undefined || CLOSING.test(this.sqlState);
  }
}

const LOST_RESPONSE =
  'The response to the insert did not arrive (see cause), so it is not known whether it is stored';

/**
 * An insert was sent outside a transaction, or a bulk insert's COMMIT was, and the response did not
 * arrive: the jobs may or may not be stored, all of one call or none. It is not retryable.
 */
export class InsertOutcomeUnknownError extends DatabaseError {
  /** @param what happened, where it is not that the response is lost */
  constructor(cause: unknown, what = LOST_RESPONSE) {
    super('insert', cause, {
      code: 'RIVER_INSERT_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      message:
        `${what}. ` +
        'Look for the job before you insert it again, or give it uniqueOpts, with which a second insert ' +
        'is skipped if the first one is stored. Inserted in a transaction, a lost COMMIT can be resolved ' +
        'by the error itself.',
    });
  }

  /** @internal The error that the caller of an insert receives. */
  static of(error: unknown): unknown {
    if (!(error instanceof DatabaseError) || error.outcome !== 'unknown') return error;
    return error instanceof InsertOutcomeUnknownError ? error : new this(error.cause);
  }
}

/** Whether an error of the driver says that the connection is gone, or the server is going. */
export function endsConnection(cause: unknown): boolean {
  const sqlState = sqlStateOf(cause);
  return sqlState === undefined || CLOSING.test(sqlState);
}

/** The error of the driver beneath that of TypeORM, or of ours. */
export function driverErrorOf(error: unknown): unknown {
  if (error instanceof DatabaseError) return error.cause;
  const { driverError } = Object(error) as { readonly driverError?: unknown };
  return driverError ?? error;
}

/** The SQLSTATE of an error of the driver. Each holds a digit; `EPIPE`, of five letters, is none. */
export function sqlStateOf(cause: unknown): string | undefined {
  const code = errorCode(cause);
  return code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function serverErrorOf(cause: unknown): ServerError {
  const { routine, constraint } = Object(cause) as Record<string, unknown>;
  return {
    routine: typeof routine === 'string' ? routine : undefined,
    constraint: typeof constraint === 'string' ? constraint : undefined,
  };
}

function errorCode(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

function errorMessage(cause: unknown): string {
  return cause instanceof Error ? cause.message : '';
}

/**
 * What an error of the driver says. Its message is empty where several addresses of a host were
 * tried in vain; the code is not.
 */
export function driverMessage(error: unknown): string {
  const { message = '', code = '', fullMessage = message } = Object(error) as DriverError;
  return fullMessage || `the connection failed ${code}`.trimEnd();
}

interface DriverError {
  message?: string;
  code?: string;
  fullMessage?: string;
}
