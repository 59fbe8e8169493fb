import { sqlStateOf } from '../../errors/database-errors.js';
import { AS_TEXT, type PgClient } from './pg-client.js';

const TIMEOUT = `SELECT setting FROM pg_catalog.pg_settings
WHERE name OPERATOR(pg_catalog.=) 'statement_timeout'`;

/** What ended a statement with SQLSTATE 57014: `statement_timeout`, or a cancel. */
export type Interruption = 'time-out' | 'cancel';

/** The same, as far as the message says it in English. */
export function interruptionIn(cause: unknown): Interruption | undefined {
  if (sqlStateOf(cause) !== '57014') return undefined;
  const { message } = cause as Error;
  if (message.endsWith('due to statement timeout')) return 'time-out';
  return message.endsWith('due to user request') ? 'cancel' : undefined;
}

/**
 * The same in every language of the server. Only its message says it; where that is not English, the
 * setting is asked for: a statement that has run for less was cancelled. In a transaction that has
 * failed it cannot be asked for.
 */
export async function interruptionOf(
  cause: unknown,
  client: PgClient,
  { ranMs, isOutside }: { readonly ranMs: number; readonly isOutside: boolean },
): Promise<Interruption | undefined> {
  const interruption = interruptionIn(cause);
  if (interruption !== undefined || !isOutside || sqlStateOf(cause) !== '57014')
    return interruption;
  try {
    const { rows } = await client.query({ text: TIMEOUT, values: [], types: AS_TEXT });
    const limitMs = Number((rows as { setting?: string }[])[0]?.setting);
    if (Number.isNaN(limitMs)) return undefined;
    return limitMs > 0 && ranMs >= limitMs ? 'time-out' : 'cancel';
  } catch {
    // The connection broke meanwhile; the statement has failed in either case.
    return undefined;
  }
}
