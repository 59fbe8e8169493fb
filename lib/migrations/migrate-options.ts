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
}
