import { BEGIN, untilCommit, type ClientConnection, type Connection } from './connection.js';
import type { TextRow } from '../driver/pg-client.js';
import { statement, unpreparedStatement } from './statement.js';
import { epochMicroseconds } from '../rows/timestamp.js';

/** The database's clock, in microseconds since 1970. */
export interface DatabaseTime {
  /** When the transaction began: the `created_at` of everything in it, as the column's default is. */
  readonly transaction: bigint;
  /** When the statement that asked arrived: what delays count from. */
  readonly statement: bigint;
}

/** SQL for the columns that {@link readDatabaseTime} takes. */
export const DATABASE_TIME_COLUMNS =
  `${epochMicroseconds('pg_catalog.now()')} AS transaction_time, ` +
  `${epochMicroseconds('pg_catalog.statement_timestamp()')} AS statement_time`;

export function readDatabaseTime(row: TextRow | undefined): DatabaseTime {
  return {
    transaction: BigInt(row?.['transaction_time'] ?? 0),
    statement: BigInt(row?.['statement_time'] ?? 0),
  };
}

const ASK = statement('database time', `SELECT ${DATABASE_TIME_COLUMNS}`);

/** Two statements in one message, so that the time costs no round trip: only unprepared ones can. */
const BEGIN_AND_ASK = unpreparedStatement(
  'begin',
  `${BEGIN.text}; SELECT ${DATABASE_TIME_COLUMNS}`,
);

/** Runs `work` between BEGIN and COMMIT, and hands it the time of the transaction. */
export async function inTimedTransaction<T>(
  connection: ClientConnection,
  work: (now: DatabaseTime) => Promise<T>,
): Promise<T> {
  const [row] = await connection.run(BEGIN_AND_ASK, []);
  return await untilCommit(connection, () => work(readDatabaseTime(row)));
}

export async function databaseTime(connection: Connection): Promise<DatabaseTime> {
  const [row] = await connection.run(ASK, []);
  return readDatabaseTime(row);
}
