import { RiverMigrationError } from '../errors/setup-errors.js';
import type { Connection } from '../postgres/connection/connection.js';
import type { SchemaName } from '../postgres/connection/schema-name.js';
import { statement } from '../postgres/connection/statement.js';
import { lockMigrations, LINE_SINCE, recordedVersions, recordVersion } from './migration-rows.js';
import { schemaFacts } from './schema-facts.js';
import { migrationTableWithoutLine } from './versions/001-create-river-migration.js';
import { rebuildWithLine } from './versions/005-migration-unique-client.js';

/**
 * Records the versions up to one for tables that are at it already, and changes nothing else.
 *
 * @returns the versions that were not recorded before
 * @throws RiverMigrationError when the tables, or what is recorded of them, contradict it
 */
export async function recordBaseline(
  connection: Connection,
  schema: SchemaName,
  { version, dryRun }: { readonly version: number; readonly dryRun: boolean },
): Promise<readonly number[]> {
  await lockMigrations(connection);
  const recorded = await recordedVersions(connection, schema);
  const form = await recordForm(connection, schema);
  await checkTables(connection, schema, { version, recorded, form });
  const missing = Array.from({ length: version }, (_, index) => index + 1).filter(
    (each) => !recorded.includes(each),
  );
  if (dryRun || missing.length === 0) return missing;
  const run = (text: string): Promise<unknown> => connection.run(statement('recording', text), []);
  if (form === 'absent') await run(migrationTableWithoutLine(schema.prefix));
  let hasLine = form === 'with line';
  // By the way that the migrations go, since the names of keys depend on it.
  for (const each of missing) {
    if (each === LINE_SINCE && !hasLine) {
      await run(rebuildWithLine(schema.prefix));
      hasLine = true;
    }
    await recordVersion(connection, schema, { version: each, direction: 'up', hasLine });
  }
  return missing;
}

interface Claim {
  readonly version: number;
  readonly recorded: readonly number[];
  readonly form: RecordForm;
}

async function checkTables(
  connection: Connection,
  schema: SchemaName,
  { version, recorded, form }: Claim,
): Promise<void> {
  const differences: string[] = [];
  const later = recorded.filter((each) => each > version);
  if (later.length > 0) differences.push(`version ${later.join(', ')} is recorded already`);
  // What is missing in the middle cannot be distinguished from what was rolled back by hand.
  const newest = recorded.at(-1) ?? 0;
  if (recorded.length < newest && later.length === 0) {
    differences.push(`of the versions up to ${newest}, only ${recorded.join(', ')} are recorded`);
  }
  if (form === 'with line' && version < LINE_SINCE) {
    differences.push('there is column river_migration.line');
  }
  if (form === 'without line' && newest > 0 && version >= LINE_SINCE) {
    differences.push(`river_migration has the form that it had before version ${LINE_SINCE}`);
  }
  const facts = schemaFacts(schema);
  const columns = facts.map(({ isSo }, index) => `(${isSo})::pg_catalog.text AS fact_${index}`);
  const [row] = await connection.run(statement('reading', `SELECT ${columns.join(', ')}`), []);
  for (const [index, { name, since, until }] of facts.entries()) {
    const isSo = row?.[`fact_${index}`] === 'true';
    const shouldBe = version >= since && version <= until;
    if (isSo === shouldBe) continue;
    differences.push(isSo ? `there is ${name}` : `there is no ${name}`);
  }
  if (differences.length > 0) throw mismatch(version, differences);
}

type RecordForm = 'absent' | 'without line' | 'with line';

/** What `river_migration` is like: a dump without data has it, and no rows in it. */
async function recordForm(connection: Connection, { prefix }: SchemaName): Promise<RecordForm> {
  const text = `SELECT found.oid IS NOT NULL AS present, EXISTS (
  SELECT FROM pg_catalog.pg_attribute
  WHERE attrelid OPERATOR(pg_catalog.=) found.oid AND attname OPERATOR(pg_catalog.=) 'line' AND NOT attisdropped
) AS has_line
FROM (SELECT pg_catalog.to_regclass('${prefix}river_migration')::pg_catalog.oid AS oid) AS found`;
  const [row] = await connection.run(statement('reading', text), []);
  if (row?.['present'] !== 't') return 'absent';
  return row['has_line'] === 't' ? 'with line' : 'without line';
}

function mismatch(version: number, differences: readonly string[]): RiverMigrationError {
  return new RiverMigrationError(
    `River's tables do not look like version ${version}, so nothing was recorded: ${differences.join('; ')}. ` +
      'Name the version that they are at, or migrate.',
    { code: 'RIVER_BASELINE_MISMATCH', field: 'version' },
  );
}
