import type { TextRow } from '../driver/pg-client.js';
import type { Connection } from '../connection/connection.js';
import { statement, type Statement } from '../connection/statement.js';

/** Milliseconds that a statement of the maintenance may take. River's. */
const LIMIT_MS = 30_000;

const LIMIT = statement(
  'limit',
  `SELECT pg_catalog.set_config('statement_timeout', '${LIMIT_MS}', true)`,
);

/**
 * Runs a statement that the server ends after 30 seconds. One that only its sender gave up would wait for
 * its locks on and on, and the next ones behind it.
 */
export async function runLimited(
  connection: Connection,
  limited: Statement,
  values: unknown[],
): Promise<TextRow[]> {
  return await connection.transaction(async (inner) => {
    await inner.run(LIMIT, []);
    return await inner.run(limited, values);
  });
}
