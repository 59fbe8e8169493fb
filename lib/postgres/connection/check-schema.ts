import { RiverConfigurationError } from '../../errors/setup-errors.js';
import type { Connection } from './connection.js';
import type { SchemaName } from './schema-name.js';
import { statement } from './statement.js';

/**
 * Refuses a schema without River's tables, or with those of a version before 6. Asks the catalogue,
 * since a role that may insert need not be allowed to read `river_migration`.
 *
 * @returns the server process that responded, for {@link checkPooler}
 * @throws RiverConfigurationError
 */
export async function checkSchema(
  connection: Connection,
  schema: SchemaName,
): Promise<string | null | undefined> {
  const check = statement(
    'schema check',
    `SELECT river_job.oid IS NOT NULL AS present, EXISTS (
  SELECT FROM pg_catalog.pg_attribute
  WHERE attrelid OPERATOR(pg_catalog.=) river_job.oid
    AND attname OPERATOR(pg_catalog.=) 'unique_states' AND NOT attisdropped
) AS current, pg_catalog.pg_backend_pid() AS backend
FROM (SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS oid) AS river_job`,
  );
  const [row] = await connection.run(check, [`${schema.prefix}river_job`]);
  const where =
    schema.name === undefined
      ? "the schemas of the session's search_path"
      : `schema "${schema.name}"`;
  if (row?.['present'] !== 't') {
    throw new RiverConfigurationError(
      `schema: ${where} holds no table river_job. Run River's migrations in this database ` +
        '(`npx nestjs-river migrate-up`; in development the option `migrate`), or set the option ' +
        '`schema` to where they were run.',
      { code: 'RIVER_SCHEMA_MISSING', field: 'schema' },
    );
  }
  if (row['current'] !== 't') {
    throw new RiverConfigurationError(
      `schema: River's tables in ${where} are older than version 6 (river_job has no column ` +
        "unique_states). Run River's migrations up to version 6 or later.",
      { code: 'RIVER_SCHEMA_OUTDATED', field: 'schema' },
    );
  }
  return row['backend'];
}
