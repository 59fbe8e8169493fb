import type { MigrationDirection } from './migration.js';

/** A version of River's schema, for one schema name. */
export interface RiverVersion {
  readonly version: number;
  /** River's name for it: `initial schema`. */
  readonly name: string;
  /** The SQL that puts it on, without the record in `river_migration`. */
  readonly sqlUp: string;
  /** The SQL that takes it off. */
  readonly sqlDown: string;
}

/** A version that `RiverMigrator.migrate` has put on or taken off, or would. */
export interface MigratedVersion {
  readonly version: number;
  readonly name: string;
  /** The SQL that was run for it. */
  readonly sql: string;
  /** Milliseconds that it took, its transaction included; 0 in a dry run. */
  readonly durationMs: number;
}

/** What `RiverMigrator.migrate` has done. */
export interface MigrateResult {
  readonly direction: MigrationDirection;
  /** In the order of doing so; empty when there was nothing to do. */
  readonly versions: readonly MigratedVersion[];
}

/** Whether River's tables are as they should be. */
export interface ValidateResult {
  readonly ok: boolean;
  /** What is wrong, a sentence each; empty when `ok`. */
  readonly messages: readonly string[];
}

/** What `RiverMigrator.baseline` has recorded, or would. */
export interface BaselineResult {
  /** The versions that were not recorded before; empty when all of them were. */
  readonly recorded: readonly number[];
}
