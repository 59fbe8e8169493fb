import { nameText } from './name-text.js';

/** What an error of the server says beside its SQLSTATE, none of it in the language of the server. */
export interface ServerError {
  /** The C function that raised the error. */
  readonly routine: string | undefined;
  readonly constraint: string | undefined;
}

/** What is known of a failure. */
interface Failure extends ServerError {
  /** The code of a socket error, which has no SQLSTATE. */
  readonly code: string | undefined;
  readonly interruption: 'time-out' | 'cancel' | undefined;
}

/** `cached plan must not change result type`. */
export function isOfCachedPlan(sqlState: string | undefined, { routine }: ServerError): boolean {
  return sqlState === '0A000' && routine === 'RevalidateCachedQuery';
}

/** What to do about the SQLSTATEs that an inserting application meets. */
export function explain(sqlState: string | undefined, failure: Failure): string {
  switch (sqlState) {
    case undefined:
      return `the connection failed${failure.code === undefined ? '' : ` (${failure.code})`}; see cause.`;
    case '25P02':
      return 'an earlier statement of this transaction had failed (SQLSTATE 25P02). Roll it back and start again.';
    case '25P03':
      return 'the transaction was idle for longer than idle_in_transaction_session_timeout, so the server closed its connection and nothing of it is stored (SQLSTATE 25P03). Run the whole transaction again.';
    case '25P04':
      return 'the transaction took longer than transaction_timeout, so the server closed its connection (SQLSTATE 25P04). Run it again, or raise the setting.';
    case '40001':
    case '40P01':
      return `another transaction conflicted with it (SQLSTATE ${sqlState}). Run the whole transaction again.`;
    case '23505':
      return explainDuplicate(failure);
    case '42501':
      return explainRight(failure);
    case '42P01':
      return "River's table river_job was not found (SQLSTATE 42P01). Run River's migrations, or set the module's option `schema`.";
    case '26000':
    case '42P05':
      return `the session's prepared statements were not as expected (SQLSTATE ${sqlState}), as after DISCARD or behind a pooler. Run the transaction again; if it happens again, set the module's option preparedStatements: false.`;
    case '54000':
      return 'a value of the job exceeds a limit of Postgres (SQLSTATE 54000), such as the size of args or metadata in jsonb.';
    case '25006':
      return 'the server accepts no writes: the transaction was declared read-only, or the server is not the primary any more, as after a failover (SQLSTATE 25006).';
    case '57014':
      return explainInterruption(failure);
    case '0A000':
      return explainUnsupported(failure);
    default:
      return `SQLSTATE ${sqlState}; see cause.`;
  }
}

function explainDuplicate({ constraint }: Failure): string {
  if (constraint === 'river_job_pkey')
    return "the id that the table's sequence gave is taken: the sequence is behind the table, as after a restore (SQLSTATE 23505, constraint river_job_pkey). Set it, in River's schema: SELECT setval(pg_get_serial_sequence('river_job', 'id'), (SELECT max(id) FROM river_job)).";
  if (constraint === undefined || constraint === 'river_job_unique_idx')
    return 'an equal unique job already exists (SQLSTATE 23505). To retry this one, cancel or delete that one first.';
  return `a unique index or constraint of the application's own, ${nameText(constraint)}, refused the row (SQLSTATE 23505).`;
}

function explainRight({ routine }: Failure): string {
  if (routine === 'ExecWithCheckOptions')
    return 'a row-level security policy of river_job refused the row (SQLSTATE 42501). Set what the policy checks, such as the role or a setting of the session or transaction; or give the database user a policy FOR INSERT WITH CHECK that allows its jobs.';
  if (routine === 'InitTempTableNamespace')
    return "the database user is not allowed to create temporary tables, which insertManyFast needs for onConflict: 'skip' (SQLSTATE 42501). GRANT TEMPORARY ON DATABASE to it, or use insertMany.";
  return "the database user lacks a right (SQLSTATE 42501). It needs USAGE on River's schema, INSERT and SELECT on river_job, USAGE on its sequence, and EXECUTE on River's function; to change jobs and queues also UPDATE and DELETE on river_job, SELECT, INSERT and UPDATE on river_queue.";
}

function explainInterruption({ interruption }: Failure): string {
  if (interruption === 'time-out')
    return 'it took longer than statement_timeout (SQLSTATE 57014). It may have waited for a lock; try again, or raise the setting.';
  if (interruption === 'cancel')
    return 'it was cancelled, as by pg_cancel_backend (SQLSTATE 57014).';
  return 'it took longer than statement_timeout, or was cancelled (SQLSTATE 57014); see cause.';
}

function explainUnsupported(failure: Failure): string {
  if (isOfCachedPlan('0A000', failure))
    return 'the table was changed since the statement was prepared (SQLSTATE 0A000). Run the transaction again; the statement is then prepared anew.';
  if (failure.routine === 'DoCopy')
    return 'COPY is not possible where row-level security applies to the database user (SQLSTATE 0A000). Use insertMany.';
  return 'SQLSTATE 0A000; see cause.';
}
