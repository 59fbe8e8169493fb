import { DatabaseError } from '../errors/database-errors.js';
import { SchemaName, schemaName } from '../postgres/connection/schema-name.js';
import { statement } from '../postgres/connection/statement.js';
import type { Connection } from '../postgres/connection/connection.js';
import { recordBaseline } from './baseline.js';
import {
  checkBaselineOptions,
  checkMigrateOptions,
  checkMigration,
  checkVersion,
  version as versionCheck,
} from './check-migrate-options.js';
import { MAIN_LINE } from './main-line.js';
import type { BaselineOptions, MigrateOptions, RiverMigratorOptions } from './migrate-options.js';
import type {
  BaselineResult,
  MigratedVersion,
  MigrateResult,
  RiverVersion,
  ValidateResult,
} from './migrate-result.js';
import {
  migrationDatabase,
  type MigrationDatabase,
  type MigrationSource,
} from './migration-database.js';
import { conflict, migrationFailed, type FailureContext } from './migration-failed.js';
import {
  lockMigrations,
  recordedVersions,
  recordVersion,
  withLockTimeout,
} from './migration-rows.js';
import type { Migration } from './migration.js';
import { newerVersions, planMigrations, schemaNewer } from './plan-migrations.js';
import { now } from '../real-time.js';

/**
 * Brings River's tables to a version, as `rivermigrate` of River's Go module does: both keep the same
 * record, the table `river_migration`, so that they can take turns on one database.
 *
 * Each version is put on or taken off in a transaction of its own, since version 6 uses what version
 * 4 must have committed. Migrators that start at once wait for each other; each then finds what the
 * other has done.
 *
 * @example
 * const migrator = new RiverMigrator(dataSource, { schema: 'river' });
 * await migrator.migrate({ direction: 'up' });
 */
export class RiverMigrator {
  readonly #database: MigrationDatabase;
  readonly #schema: SchemaName;

  /**
   * @throws RiverConfigurationError for a schema name that River would not take, or a data source that
   *   is not connected or not Postgres
   * @throws RiverMigrationError for a source on which nothing can run
   */
  constructor(source: MigrationSource, options: RiverMigratorOptions = {}) {
    const { schema } = checkMigration<RiverMigratorOptions>(options, { schema: schemaName });
    this.#schema = new SchemaName(schema);
    this.#database = migrationDatabase(source);
  }

  /** All versions that this package knows, in order. */
  allVersions(): readonly RiverVersion[] {
    return MAIN_LINE.map((each) => this.#describe(each));
  }

  /**
   * One version.
   *
   * @throws RiverMigrationError when there is no such version
   */
  getVersion(version: number): RiverVersion {
    checkVersion(version, 'version');
    return this.#describe(MAIN_LINE[version - 1] as Migration);
  }

  /**
   * The versions that the database has, in order.
   *
   * @throws RiverMigrationError when it has one that this package does not know
   */
  async existingVersions(): Promise<readonly RiverVersion[]> {
    const recorded = await this.#recorded();
    const newer = newerVersions(recorded);
    if (newer.length > 0) throw schemaNewer(newer);
    return recorded.map((version) => this.getVersion(version));
  }

  /**
   * Whether all versions are applied, and none that this package does not know; with a
   * `targetVersion`, whether those up to it are. Changes nothing.
   *
   * @throws RiverMigrationError when there is no such version, or the database does not answer
   */
  async validate(options: { readonly targetVersion?: number } = {}): Promise<ValidateResult> {
    const { targetVersion } = checkMigration(options, { targetVersion: versionCheck() });
    const recorded = await this.#recorded();
    const newest = targetVersion ?? MAIN_LINE.length;
    const missing = MAIN_LINE.map(({ version }) => version).filter(
      (version) => version <= newest && !recorded.includes(version),
    );
    const messages = [];
    if (missing.length > 0) messages.push(`Unapplied migrations: ${missing.join(', ')}.`);
    const newer = targetVersion === undefined ? newerVersions(recorded) : [];
    if (newer.length > 0) messages.push(schemaNewer(newer).message);
    return { ok: messages.length === 0, messages };
  }

  /**
   * Puts versions on or takes them off. What fails leaves nothing of its version behind; the versions
   * before it stay (`error.applied`).
   *
   * @throws RiverMigrationError for options that make no sense, a target that is not on the way, a
   *   database that is newer than this package, a version that failed in the database, or a lock that
   *   could not be acquired within `lockTimeoutMs` (`RIVER_MIGRATION_LOCK_TIMEOUT`)
   */
  async migrate(options: MigrateOptions): Promise<MigrateResult> {
    const { direction, dryRun = false, lockTimeoutMs, ...target } = checkMigrateOptions(options);
    const found = await this.#recorded({ isLocked: !dryRun, lockTimeoutMs });
    const plan = planMigrations(found, { direction, ...target });
    const versions: MigratedVersion[] = [];
    for (const [position, migration] of plan.entries()) {
      const { version, name } = migration;
      const sql = migration[direction](this.#schema.prefix, plan.at(-1)?.version);
      const before = plan.slice(0, position).map((each) => each.version);
      const applied = versions.map((each) => each.version);
      const begin = now();
      const step = { direction, version, sql, found, before, applied, lockTimeoutMs };
      const isDone = dryRun || (await this.#step(step));
      const durationMs = dryRun ? 0 : now() - begin;
      if (isDone) versions.push({ version, name, sql, durationMs });
    }
    return { direction, versions };
  }

  /**
   * Records that River's tables, made by other means than River's migrations (a dump, another tool that
   * ran their SQL), are at a version, so that migrations go on from there. Makes the table
   * `river_migration` where there is none, and changes nothing else.
   *
   * The catalogue is asked first whether the tables look like that version: their columns, indexes,
   * function, trigger and defaults, as far as versions differ in them. On Postgres 7 and 8
   * are the same.
   *
   * @throws RiverMigrationError when they do not, or other versions are recorded
   *   (`RIVER_BASELINE_MISMATCH`); for invalid options; when the database fails
   * @example await migrator.baseline({ version: 6 });
   */
  async baseline(options: BaselineOptions): Promise<BaselineResult> {
    const { version, dryRun = false, lockTimeoutMs } = checkBaselineOptions(options);
    const recorded = await this.#transaction(
      (connection) => recordBaseline(connection, this.#schema, { version, dryRun }),
      { lockTimeoutMs },
    );
    return { recorded };
  }

  /** @returns false when another migrator has done it meanwhile */
  async #step(step: Step): Promise<boolean> {
    const { direction, version, sql, found, before } = step;
    return await this.#transaction(async (connection) => {
      await lockMigrations(connection);
      const recorded = await recordedVersions(connection, this.#schema);
      if (recorded.includes(version) === (direction === 'up')) return false;
      const isAsLeft =
        direction === 'up'
          ? [...found, ...before].every((each) => recorded.includes(each))
          : recorded.every((each) => each <= version);
      if (!isAsLeft) throw conflict(step);
      await connection.run(statement('migration', sql), []);
      await recordVersion(connection, this.#schema, { version, direction });
      return true;
    }, step);
  }

  async #recorded({ isLocked = false, lockTimeoutMs }: Reading = {}): Promise<readonly number[]> {
    return await this.#transaction(
      async (connection) => {
        if (isLocked) await lockMigrations(connection);
        return await recordedVersions(connection, this.#schema);
      },
      { lockTimeoutMs },
    );
  }

  async #transaction<T>(
    work: (connection: Connection) => Promise<T>,
    { lockTimeoutMs, ...context }: Pick<Reading, 'lockTimeoutMs'> | Step,
  ): Promise<T> {
    try {
      return await this.#database.transaction((connection) =>
        withLockTimeout(connection, lockTimeoutMs, () => work(connection)),
      );
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      throw migrationFailed(error, 'version' in context ? context : undefined);
    }
  }

  #describe({ version, name, up, down }: Migration): RiverVersion {
    const { prefix } = this.#schema;
    return { version, name, sqlUp: up(prefix), sqlDown: down(prefix) };
  }
}

/** One version on its way. */
interface Step extends FailureContext {
  readonly sql: string;
  /** What was recorded when the way was planned. */
  readonly found: readonly number[];
  /** The versions of the plan that come before. */
  readonly before: readonly number[];
  readonly lockTimeoutMs: number | undefined;
}

/** How the record is read. */
interface Reading {
  readonly isLocked?: boolean;
  readonly lockTimeoutMs?: number | undefined;
}
