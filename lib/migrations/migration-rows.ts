import type { Connection } from '../postgres/connection/connection.js';
import type { SchemaName } from '../postgres/connection/schema-name.js';
import { statement } from '../postgres/connection/statement.js';
import type { MigrationDirection } from './migration.js';

/** The version with which `river_migration` came. */
const TABLE_SINCE = 1;
/** The version that gave its rows a line, and so room for other products' versions. */
export const LINE_SINCE = 5;

/** Released when the transaction ends. One for all schemas: nobody migrates often enough to mind. */
const LOCK = statement(
  'waiting',
  "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('nestjs-river.migrations', 0))",
);

/**
 * Runs `work` with a limit for each wait for a lock, in a transaction, which may be the caller's: the
 * limit that was before is set again after it, unless a failure has aborted the transaction.
 */
export async function withLockTimeout<T>(
  connection: Connection,
  lockTimeoutMs: number | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (lockTimeoutMs === undefined) return await work();
  const [row] = await connection.run(GET_LOCK_TIMEOUT, []);
  await connection.run(SET_LOCK_TIMEOUT, [`${lockTimeoutMs}ms`]);
  const restore = async (): Promise<void> => {
    await connection.run(SET_LOCK_TIMEOUT, [row?.['lock_timeout'] ?? '0']);
  };
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // In an aborted transaction this fails as well, and its rollback restores the limit.
    await restore().catch(() => undefined);
    throw error;
  }
  await restore();
  return result;
}

const GET_LOCK_TIMEOUT = statement(
  'reading',
  "SELECT pg_catalog.current_setting('lock_timeout') AS lock_timeout",
);
const SET_LOCK_TIMEOUT = statement(
  'setting lock_timeout',
  "SELECT pg_catalog.set_config('lock_timeout', $1, true)",
);

/** Keeps other migrators of this package out until the transaction ends. */
export async function lockMigrations(connection: Connection): Promise<void> {
  await connection.run(LOCK, []);
}

/** The versions of line `main` that are recorded, in order; none where there is no record. */
export async function recordedVersions(
  connection: Connection,
  { prefix }: SchemaName,
): Promise<readonly number[]> {
  const table = `${prefix}river_migration`;
  // By way of pg_class: opening it makes the session look at what others have committed meanwhile,
  // which to_regclass by itself does not.
  const present = statement(
    'reading',
    'SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)) AS present',
  );
  const [found] = await connection.run(present, [table]);
  if (found?.['present'] !== 't') return [];
  // One text for the rows with a line and for those from before there were lines.
  const versions = statement(
    'reading',
    `SELECT version::pg_catalog.text FROM ${table} AS row
WHERE coalesce(pg_catalog.to_jsonb(row) OPERATOR(pg_catalog.->>) 'line', 'main') OPERATOR(pg_catalog.=) 'main'
ORDER BY row.version`,
  );
  const rows = await connection.run(versions, []);
  return rows.map(({ version }) => Number(version));
}

/** A version that has just been put on or taken off. */
interface VersionChange {
  readonly version: number;
  readonly direction: MigrationDirection;
  /** Whether the rows have a line now. */
  readonly hasLine?: boolean;
}

/** Records a version as it has just been put on or taken off. */
export async function recordVersion(
  connection: Connection,
  { prefix }: SchemaName,
  { version, direction, hasLine = version >= LINE_SINCE }: VersionChange,
): Promise<void> {
  const table = `${prefix}river_migration`;
  if (direction === 'up') {
    const text = hasLine
      ? `INSERT INTO ${table} (line, version) VALUES ('main', $1)`
      : `INSERT INTO ${table} (version) VALUES ($1)`;
    await connection.run(statement('recording', text), [version]);
    return;
  }
  // With version 1 the record itself is gone.
  if (version === TABLE_SINCE) return;
  const line = version <= LINE_SINCE ? '' : ` AND line OPERATOR(pg_catalog.=) 'main'`;
  const text = `DELETE FROM ${table} WHERE version OPERATOR(pg_catalog.=) $1${line}`;
  await connection.run(statement('recording', text), [version]);
}
