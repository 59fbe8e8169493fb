import type { MigrationInterface, QueryRunner } from 'typeorm';
import { schemaName } from '../postgres/connection/schema-name.js';
import { got, must, type Checks } from '../errors/checks.js';
import { checkMigration, lockTimeoutMs, refuseOption, version } from './check-migrate-options.js';
import type { MigrationDirection } from './migration.js';
import { RiverMigrator } from './river-migrator.js';

/** What a migration of TypeORM's does to River's tables. */
export interface RiverMigrationOptions {
  /** Its place among the application's migrations: milliseconds since 1970, 13 digits. */
  readonly timestamp: number;
  /**
   * The version that its way down ends at, usually the `to` of the River migration before it. 0, for
   * the first, means that undoing it drops River's tables with all jobs.
   */
  readonly from: number;
  /** The version that its way up ends at. What is there already stays as it is. */
  readonly to: number;
  /** The schema of River's tables, which must exist. Default: the first of the `search_path`. */
  readonly schema?: string | undefined;
  /** How long each statement waits for a lock at most, in **milliseconds**. Default: no limit of ours. */
  readonly lockTimeoutMs?: number | undefined;
}

/**
 * A class for the option `migrations` of a data source, so that TypeORM's migrations bring River's
 * tables in step with the application's own. It keeps River's record too, for River's own tools.
 *
 * It runs in the transaction that TypeORM runs it in; without one, each version has its own. One case
 * cannot share a transaction: from version 2 or 3, put on earlier, to 6 or later. It is refused, and
 * wants two migrations (up to 5, then on) with `migrationsTransactionMode: 'each'`, or `'none'`.
 *
 * Its default `schema` is the first of the `search_path`, while the entities of `nestjs-river/entities`
 * begin with the data source's `schema`: where that is set, name the schema in both.
 *
 * @throws RiverMigrationError when an option makes no sense
 *
 * @example
 * export class River1763700000000 extends riverMigration({
 *   timestamp: 1763700000000, from: 0, to: 8,
 * }) {}
 */
export function riverMigration(options: RiverMigrationOptions): new () => MigrationInterface {
  const { timestamp, from, to, schema, lockTimeoutMs: limit } = checkOptions(options);
  const run = async (
    queryRunner: QueryRunner,
    direction: MigrationDirection,
    targetVersion: number,
  ): Promise<void> => {
    const migrator = new RiverMigrator(queryRunner, { schema });
    await migrator.migrate({ direction, targetVersion, lockTimeoutMs: limit });
  };
  return class implements MigrationInterface {
    /** TypeORM takes the time from its last 13 characters. */
    readonly name = `RiverVersion${to}From${from}At${timestamp}`;

    async up(queryRunner: QueryRunner): Promise<void> {
      await run(queryRunner, 'up', to);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await run(queryRunner, 'down', from === 0 ? -1 : from);
    }
  };
}

const CHECKS: Checks<RiverMigrationOptions> = {
  timestamp: must(
    'must be milliseconds since 1970, of 13 digits',
    (value) => Number.isInteger(value) && String(value).length === 13,
  ),
  to: version(),
  from: version([0, 'for none']),
  schema: schemaName,
  lockTimeoutMs,
};

function checkOptions(given: RiverMigrationOptions): RiverMigrationOptions {
  const options = checkMigration(given, CHECKS, 'timestamp', 'to', 'from');
  const { from, to } = options;
  if (from >= to) throw refuseOption('from', got(`must be below \`to\`, which is ${to}`, from));
  return options;
}
