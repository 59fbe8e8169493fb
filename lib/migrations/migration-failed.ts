import { type DatabaseError, driverMessage } from '../errors/database-errors.js';
import type { RiverErrorCode } from '../errors/error-code.js';
import { RiverMigrationError } from '../errors/setup-errors.js';
import type { MigrationDirection } from './migration.js';

/** What was under way. */
export interface FailureContext {
  readonly direction: MigrationDirection;
  /** The version that was to be put on or taken off. */
  readonly version: number;
  /** The versions that the same call had done before it. */
  readonly applied: readonly number[];
}

/** Tells a failure in the database as one of a migration, or of reading which there are. */
export function migrationFailed(
  cause: DatabaseError,
  context: FailureContext | undefined,
): RiverMigrationError {
  const what =
    context === undefined
      ? "Which versions of River's schema are applied could not be read"
      : `Version ${context.version} of River's schema failed on the way ${context.direction}${kept(cause)}`;
  return new RiverMigrationError(`${what}: ${explain(cause)}`, {
    code: CODES[cause.sqlState ?? ''] ?? 'RIVER_MIGRATION_FAILED',
    version: context?.version,
    applied: context?.applied,
    outcome: cause.outcome,
    retryable: cause.retryable,
    cause,
  });
}

/** A connection that breaks may do so in the middle of COMMIT; to migrate again finds out. */
function kept(cause: DatabaseError): string {
  return cause.outcome === 'unknown' ? '' : ', and nothing of it is kept';
}

/** The other direction at the same time: neither can know where it would end. */
export function conflict({ version, applied }: FailureContext): RiverMigrationError {
  return new RiverMigrationError(
    `Version ${version} was not reached: another migrator is taking River's schema the other way. Let ` +
      'one of them finish, then migrate again.',
    { code: 'RIVER_MIGRATION_CONFLICT', version, applied },
  );
}

/** The server's own words name tables and rights, not rows, so that they may be repeated. */
function explain({ sqlState, cause }: DatabaseError): string {
  const told = `${driverMessage(cause)}${sqlState === undefined ? '' : ` (SQLSTATE ${sqlState})`}.`;
  const cure = sqlState === undefined ? undefined : CURES[sqlState];
  return cure === undefined ? told : `${told} ${cure}`;
}

const CODES: Readonly<Record<string, RiverErrorCode>> = {
  '55P03': 'RIVER_MIGRATION_LOCK_TIMEOUT',
  '55P04': 'RIVER_MIGRATION_NEEDS_COMMIT',
};

const ALREADY_THERE =
  'Another migrator may have put this version on meanwhile: migrate again. Only if the same comes ' +
  "again, and River's tables were made without River's migrations, so that river_migration does not " +
  'record them: record the versions that they stand for.';

const CURES: Readonly<Record<string, string>> = {
  '42501': "The database user must own River's tables and have USAGE and CREATE on their schema.",
  '3F000': 'The schema does not exist, or none of the search_path does. Create it first.',
  '23505': ALREADY_THERE,
  '42710': ALREADY_THERE,
  '42P07': ALREADY_THERE,
  '55P03':
    'Within the lock_timeout, another transaction held a lock on one of the tables, or another migrator was ' +
    'running. Try again when fewer transactions run, or give a longer lockTimeoutMs.',
  '55P04':
    "Version 4 of River's schema adds a state that version 6 uses, and Postgres must have committed it " +
    'in between. Migrate outside of a transaction, or in two transactions: up to version 5 and from there.',
};
