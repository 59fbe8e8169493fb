import type { MigrationDirection } from './migration.js';

/** Options of a `RiverMigrator`. */
export interface RiverMigratorOptions {
  /** The schema of River's tables, which must exist. Default: the first of the `search_path`. */
  readonly schema?: string | undefined;
}

/** How far `RiverMigrator.migrate` goes. */
export interface MigrateOptions {
  readonly direction: MigrationDirection;
  /**
   * The version to arrive at, 1 to the newest; down, -1 takes away all of River's tables. Default: up
   * to the newest, down one step.
   */
  readonly targetVersion?: number | undefined;
  /** The most versions to put on or take off, from 1. Default: no limit but the target. */
  readonly maxSteps?: number | undefined;
  /** Tells what would be done, and does nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /**
   * How long each statement waits for a lock at most, in **milliseconds**, 1 to 2147483647: that of
   * another migrator, or that of a transaction which uses River's tables. While a migration waits for
   * a table, the statements of the application that come after it wait too. Default: the `lock_timeout`
   * of the session, which is usually no limit.
   */
  readonly lockTimeoutMs?: number | undefined;
}

/** What `RiverMigrator.baseline` records. */
export interface BaselineOptions {
  /** The version that the tables are at, 1 to the newest. */
  readonly version: number;
  /** Checks, and records nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** How long each statement waits for a lock at most, in **milliseconds**; see {@link MigrateOptions}. */
  readonly lockTimeoutMs?: number | undefined;
}
