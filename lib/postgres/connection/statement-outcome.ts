import { endsConnection, sqlStateOf } from '../../errors/database-errors.js';
import type { RiverErrorOutcome } from '../../errors/river-error.js';
import { isClosed, type PgClient } from '../driver/pg-client.js';
import type { Statement } from './statement.js';

/** What `pg` knows of a query under way. Read from its internals, since it does not expose it. */
interface SentQuery {
  /** The command tag is set when the server has completed the command. */
  readonly _result?: { readonly command?: string | null };
}

/** What is known of a statement when it is sent, and needed only where it fails. */
export interface Sent {
  /** Whether it was sent at all: the connection was open. */
  readonly isSent: boolean;
  /** The server's transaction status before: `I` outside a transaction. */
  readonly status: string | null;
  readonly query: SentQuery | null | undefined;
}

export function beforeSending(client: PgClient): Omit<Sent, 'query'> {
  return { isSent: !isClosed(client), status: client.getTransactionStatus() };
}

/** To be called in the turn in which the statement was sent. */
export function queryUnderWay(client: PgClient): Sent['query'] {
  const { _activeQuery, _sentQueryQueue } = client as {
    readonly _activeQuery?: SentQuery | null;
    readonly _sentQueryQueue?: readonly SentQuery[];
  };
  return client.pipeline === true ? (_sentQueryQueue?.at(-1) ?? _activeQuery) : _activeQuery;
}

/**
 * What a statement that failed may have stored.
 *
 * In a transaction nothing is stored until COMMIT, which is never sent on a connection that is lost;
 * {@link ClientConnection} closes one that does not answer. Outside a transaction the server commits
 * behind the statement: it sends CommandComplete, then commits, then sends ReadyForQuery. So an error of
 * the server without CommandComplete is of the statement, and undone. After it there are two kinds. An
 * ERROR, such as that of a deferred constraint, is raised before the commit, and undoes it. FATAL and
 * PANIC may come after the commit. While the commit waits for a standby, the server sends warnings
 * only, and then the connection ends without an error of the server.
 */
export function outcomeOf(
  cause: unknown,
  statement: Statement,
  { isSent, status, query }: Sent,
): RiverErrorOutcome {
  if (!isSent || !statement.writes) return 'not-stored';
  if (statement.text === 'COMMIT') return mayBeCommitted(cause) ? 'unknown' : 'not-stored';
  if (status !== 'I') return 'not-stored';
  if (sqlStateOf(cause) === undefined) return 'unknown';
  const { routine } = cause as { readonly routine?: unknown };
  // A pooler that has lost the server says so in an error of its own, which names no routine of Postgres.
  if (typeof routine !== 'string') return mayEndServer(cause) ? 'unknown' : 'not-stored';
  const isComplete = query == null || query._result?.command != null;
  return isComplete && mayEndServer(cause) ? 'unknown' : 'not-stored';
}

/** Whether a COMMIT that was sent and failed may have committed. */
export function mayBeCommitted(cause: unknown): boolean {
  const sqlState = sqlStateOf(cause);
  if (sqlState === undefined) return true;
  const { routine } = cause as { readonly routine?: unknown };
  // The session ended while it was idle: the COMMIT has not been read.
  if (typeof routine === 'string' && (sqlState === '25P03' || sqlState === '57P05')) return false;
  return mayEndServer(cause);
}

/**
 * Whether an error may be FATAL or PANIC, after which there is no more to hear from the server. The
 * severity is in the language of the server, so the SQLSTATE counts, too: PANIC is raised for I/O,
 * resources and internal errors.
 */
function mayEndServer(cause: unknown): boolean {
  const { severity } = cause as { readonly severity?: unknown };
  if (severity === 'FATAL' || severity === 'PANIC') return true;
  return endsConnection(cause) || /^(53|58|XX)...$/.test(sqlStateOf(cause) ?? '');
}
