import type { Migration } from '../migration.js';

/** The list of migrations as it is up to version 4: without lines. */
export const migrationTableWithoutLine = (schema: string): string =>
  `CREATE TABLE ${schema}river_migration (
    id         bigserial   PRIMARY KEY,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
    version    bigint      NOT NULL,
    CONSTRAINT version CHECK (version OPERATOR(pg_catalog.>=) 1)
);
CREATE UNIQUE INDEX ON ${schema}river_migration (version);`;

export const createRiverMigration: Migration = {
  version: 1,
  name: 'create river migration',
  up: migrationTableWithoutLine,
  down: (schema) => `DROP TABLE ${schema}river_migration;`,
};
