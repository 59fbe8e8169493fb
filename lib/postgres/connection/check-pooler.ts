import { randomBytes } from 'node:crypto';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { DatabaseError } from '../../errors/database-errors.js';
import { ClientConnection, type Connection, type ConnectionSettings } from './connection.js';
import { rememberPooler, stopNaming } from './named-statements.js';
import type { PgClient } from '../driver/pg-client.js';
import { unpreparedStatement, type Statement } from './statement.js';

interface PooledClient extends PgClient {
  /** The process of which the server told when the connection began. */
  readonly processID?: number | null;
}

/**
 * Looks for a pooler: behind one, the process that runs a statement is not the one whose
 * id the connection received. Only there it costs round trips: a transaction shows whether transactions work,
 * and whether the pooler keeps track of named statements.
 *
 * @param backend the process that ran a statement on this connection
 * @throws RiverConfigurationError behind a pooler that has no transactions
 */
export async function checkPooler(
  connection: Connection,
  backend: string | null | undefined,
  settings: ConnectionSettings,
): Promise<void> {
  const { client } = connection as { readonly client?: PooledClient };
  // Other drivers report no process.
  if (typeof client?.processID !== 'number' || typeof backend !== 'string') return;
  if (String(client.processID) === backend) return;
  rememberPooler(settings.dataSource);
  // A failure would abort a transaction that is somebody else's.
  if (connection.inTransaction || !(await keepsNames(connection, client, settings)))
    stopNaming(settings);
}

/** An option that is given decides on its own, but not about transactions. */
async function keepsNames(
  connection: Connection,
  client: PgClient,
  { dataSource, preparedStatements }: ConnectionSettings,
): Promise<boolean> {
  try {
    return await connection.transaction(async () => {
      if (preparedStatements !== undefined) return preparedStatements;
      return await isRenamed(
        new ClientConnection(client, { dataSource, preparedStatements: true }),
      );
    });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (isOfStatementMode(error)) throw noTransactions(error);
    if (error.isOfPreparedStatements || error.sqlState === '0A000') return false;
    throw error;
  }
}

/**
 * Whether the session knows a statement of ours by another name than ours: a pooler that keeps track of
 * statements chooses the names itself.
 */
async function isRenamed(connection: ClientConnection): Promise<boolean> {
  const name = `river_probe_${randomBytes(8).toString('hex')}`;
  const [row] = await connection.run(probe(name), [name]);
  if (row?.['known'] !== 't') return true;
  await connection.run(unpreparedStatement('pooler check', `DEALLOCATE ${name}`), []);
  return false;
}

/** Looks for itself. A name that nobody has used, since this one must not be in use. */
function probe(name: string): Statement {
  return {
    operation: 'pooler check',
    text: `SELECT EXISTS (
  SELECT FROM pg_catalog.pg_prepared_statements WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text
) AS known`,
    name,
    writes: false,
  };
}

/** PgBouncer's code for this is also that of its other failures; its messages are never translated. */
function isOfStatementMode({ cause }: DatabaseError): boolean {
  return cause instanceof Error && cause.message.includes('statement pooling mode');
}

function noTransactions(cause: DatabaseError): RiverConfigurationError {
  return new RiverConfigurationError(
    'RiverModule: the data source is behind PgBouncer in statement mode, which has no transactions. ' +
      'Set pool_mode = transaction (or session) for this database in pgbouncer.ini, or connect to ' +
      'Postgres itself.',
    { code: 'RIVER_NO_TRANSACTIONS', field: 'dataSource', cause },
  );
}
