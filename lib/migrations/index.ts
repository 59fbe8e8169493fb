export { RiverMigrationError } from '../errors/setup-errors.js';
export type { BaselineOptions, MigrateOptions, RiverMigratorOptions } from './migrate-options.js';
export type {
  BaselineResult,
  MigratedVersion,
  MigrateResult,
  RiverVersion,
  ValidateResult,
} from './migrate-result.js';
export type { MigrationSource, PgPool, PgPoolClient } from './migration-database.js';
export type { MigrationDirection } from './migration.js';
export { riverMigration, type RiverMigrationOptions } from './river-migration.js';
export { RiverMigrator } from './river-migrator.js';
