import { DataSource } from 'typeorm';
import { poolOf } from '../postgres/driver/pool.js';

/** Milliseconds to a connection. Every statement of a worker is sent again, so none has to wait longer. */
const CONNECT_MS = 15_000;
/** Milliseconds to the answer of a statement. Longer than the longest, which is a REINDEX. */
const QUERY_MS = 90_000;

/** What sets a limit to the statements of an application's requests. */
const APPLICATION_LIMITS = {
  statement_timeout: undefined,
  lock_timeout: undefined,
  idle_in_transaction_session_timeout: undefined,
};

const SUFFIX = ' (river worker)';
/** The bytes of a name that the server shows. */
const MAX_NAME_BYTES = 63;

/**
 * A data source that connects as the pool of another one does, and has nothing but its connections: no
 * entities, migrations, subscribers or cache.
 *
 * The options of the pool are those that TypeORM made of the data source's, whichever way they were
 * given: as a URL, by `extra`, as the master of a replication. They are changed in this: the number of
 * connections is the worker's; time limits of statements are not taken over, since they are made for
 * requests, and maintenance takes longer; those for a silent network are the worker's; the name of the
 * application says that it is a worker. A limit that is part of the URL or of `options` holds.
 */
export function ownDataSource({ options, driver }: DataSource, max: number): DataSource {
  const { options: pool = {} } = poolOf({ driver }) as { options?: PoolOptions };
  return new DataSource({
    type: 'postgres',
    // The copy of `pg` that the data source has loaded.
    driver: (driver as { postgres?: unknown }).postgres,
    logger: options.logger,
    logging: options.logging,
    maxQueryExecutionTime: options.maxQueryExecutionTime,
    // No statement fails with an idle connection; the next statement opens another.
    poolErrorHandler: () => undefined,
    extra: {
      ...pool,
      // Not enumerable in the options of a pool.
      password: pool.password,
      ...APPLICATION_LIMITS,
      application_name: workerName(pool.application_name ?? process.env['PGAPPNAME']),
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: QUERY_MS,
      max,
      min: 0,
    },
  });
}

/** What is read of the options of a pool of `pg`. */
interface PoolOptions {
  readonly password?: unknown;
  readonly application_name?: string | undefined;
}

function workerName(name = 'nestjs-river'): string {
  const room = MAX_NAME_BYTES - Buffer.byteLength(SUFFIX);
  return (
    Buffer.from(name)
      .subarray(0, room)
      .toString('utf8')
      .replace(/\uFFFD+$/, '') + SUFFIX
  );
}
