import { Logger } from '@nestjs/common';
import type { DatabaseError } from '../../errors/database-errors.js';

/** What decides whether the statements of a client have names. */
export interface NamingSettings {
  readonly dataSource: object;
  /** The option. undefined: they have, unless the data source turns out to be behind a pooler. */
  readonly preparedStatements: boolean | undefined;
}

/** Data sources behind a pooler: the process that responds is not the one of which the start tells. */
const pooled = new WeakSet<object>();
/** Data sources behind a pooler that does not know names, so that a name is in use or unknown. */
const unnamed = new WeakSet<object>();

export function areNamed({ dataSource, preparedStatements }: NamingSettings): boolean {
  return preparedStatements ?? !unnamed.has(dataSource);
}

export function rememberPooler(dataSource: object): void {
  pooled.add(dataSource);
}

/** Called at the start. Logged, not warned of: nothing has failed, and nothing has to be done. */
export function stopNaming({ dataSource, preparedStatements }: NamingSettings): void {
  if (preparedStatements !== undefined || unnamed.has(dataSource)) return;
  unnamed.add(dataSource);
  new Logger('RiverModule').log(
    'The data source is behind a pooler that does not keep track of prepared statements, such as PgBouncer ' +
      'without max_prepared_statements. Statements are sent without names. See "Poolers" in the README of ' +
      'nestjs-river.',
  );
}

/**
 * Called when a name was in use or unknown. In use (42P05), somebody else prepared it in this session:
 * only a pooler lends a session to several. Unknown (26000), the session is another one behind a pooler,
 * or its statements were removed by DISCARD or DEALLOCATE, which says nothing of other connections.
 *
 * A warning, since a transaction may have failed.
 */
export function stopNamingAfter(error: DatabaseError, settings: NamingSettings): void {
  const { dataSource, preparedStatements } = settings;
  if (preparedStatements !== undefined || unnamed.has(dataSource)) return;
  const isOfPooler =
    error.sqlState === '42P05' || (error.sqlState === '26000' && pooled.has(dataSource));
  if (!isOfPooler) return;
  unnamed.add(dataSource);
  new Logger('RiverModule').warn(
    `A prepared statement ${error.sqlState === '42P05' ? 'existed already' : 'did not exist any more'} ` +
      `(SQLSTATE ${error.sqlState}), as behind a pooler. All statements of the data source are sent without ` +
      'names from now on. See "Poolers" in the README of nestjs-river.',
  );
}
