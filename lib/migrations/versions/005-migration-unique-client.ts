import type { Migration } from '../migration.js';
import { migrationTableWithoutLine } from './001-create-river-migration.js';
import { isName } from './002-initial-schema.js';

/** Tables that River made room for with version 5, never used, and dropped with version 7. */
export const clientTables = (schema: string): string =>
  `CREATE UNLOGGED TABLE ${schema}river_client (
    id         pg_catalog.text        PRIMARY KEY,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    metadata   pg_catalog.jsonb       NOT NULL DEFAULT '{}',
    paused_at  pg_catalog.timestamptz,
    updated_at pg_catalog.timestamptz NOT NULL,
    CONSTRAINT name_length CHECK (${isName('id')})
);

CREATE UNLOGGED TABLE ${schema}river_client_queue (
    river_client_id    pg_catalog.text        NOT NULL REFERENCES ${schema}river_client ON DELETE CASCADE,
    name               pg_catalog.text        NOT NULL,
    created_at         pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    max_workers        bigint      NOT NULL DEFAULT 0,
    metadata           pg_catalog.jsonb       NOT NULL DEFAULT '{}',
    num_jobs_completed bigint      NOT NULL DEFAULT 0,
    num_jobs_running   bigint      NOT NULL DEFAULT 0,
    updated_at         pg_catalog.timestamptz NOT NULL,
    PRIMARY KEY (river_client_id, name),
    CONSTRAINT name_length CHECK (${isName('name')}),
    CONSTRAINT num_jobs_completed_zero_or_positive CHECK (num_jobs_completed OPERATOR(pg_catalog.>=) 0),
    CONSTRAINT num_jobs_running_zero_or_positive CHECK (num_jobs_running OPERATOR(pg_catalog.>=) 0)
);`;

export const dropClientTables = (schema: string): string =>
  `DROP TABLE ${schema}river_client_queue, ${schema}river_client;`;

/**
 * Rebuilds the list of migrations, by way of a second table, as River does: the names that Postgres
 * makes up for keys depend on it. Where a team keeps its own list there is no such table.
 */
const rebuild = (schema: string, { before = '', table, columns, values }: Rebuild): string =>
  `DO $body$
BEGIN
    IF pg_catalog.to_regclass('${schema}river_migration') IS NULL THEN
        RETURN;
    END IF;
${before}
    ALTER TABLE ${schema}river_migration RENAME TO river_migration_old;
${table}
    INSERT INTO ${schema}river_migration (${columns}) SELECT ${values} FROM ${schema}river_migration_old;
    DROP TABLE ${schema}river_migration_old;
END;
$body$;`;

interface Rebuild {
  readonly before?: string;
  readonly table: string;
  readonly columns: string;
  readonly values: string;
}

const migrationTableWithLine = (schema: string): string => `CREATE TABLE ${schema}river_migration (
    line       pg_catalog.text        NOT NULL,
    version    bigint      NOT NULL,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT line_length CHECK (${isName('line')}),
    CONSTRAINT version_gte_1 CHECK (version OPERATOR(pg_catalog.>=) 1),
    PRIMARY KEY (line, version)
);`;

const refuseOtherLines = (
  schema: string,
): string => `    IF EXISTS (SELECT FROM ${schema}river_migration WHERE line OPERATOR(pg_catalog.<>) 'main') THEN
        RAISE EXCEPTION 'river_migration names other lines than main, which version 4 has no room for; take them down first';
    END IF;`;

/** Gives the list of migrations its lines. */
export const rebuildWithLine = (schema: string): string =>
  rebuild(schema, {
    table: migrationTableWithLine(schema),
    columns: 'line, version, created_at',
    values: `'main', version, created_at`,
  });

export const migrationUniqueClient: Migration = {
  version: 5,
  name: 'migration unique client',
  up: (schema) => `${rebuildWithLine(schema)}

-- Both may be there already, made beforehand so that a big table needs no lock for long.
ALTER TABLE ${schema}river_job ADD COLUMN IF NOT EXISTS unique_key pg_catalog.bytea;
CREATE UNIQUE INDEX IF NOT EXISTS river_job_kind_unique_key_idx
    ON ${schema}river_job (kind, unique_key) WHERE unique_key IS NOT NULL;

${clientTables(schema)}`,
  down: (schema) => `${rebuild(schema, {
    before: refuseOtherLines(schema),
    table: migrationTableWithoutLine(schema),
    columns: 'version, created_at',
    values: 'version, created_at',
  })}

ALTER TABLE ${schema}river_job DROP COLUMN unique_key;

${dropClientTables(schema)}`,
};
