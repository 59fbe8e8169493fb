import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { queryAll, type TestDatabase } from '../../support/index.js';

/** Another than the one on the PATH may fit the server. */
const PG_DUMP = process.env['PG_DUMP'] ?? 'pg_dump';
const CATALOGUE = 'test/interop/schema-catalogue.sql';

/** What the schema holds, in the words of the catalogues: one line per fact. */
export async function catalogue({ url, schema }: TestDatabase): Promise<object[]> {
  const sql = await readFile(CATALOGUE, 'utf8');
  return queryAll({ url }, `set search_path to "${schema}";\n${sql}`);
}

/** The migrations that the schema records; none where it has no record. */
export async function riverMigrations({ url, schema }: TestDatabase): Promise<object[]> {
  const table = `"${schema}".river_migration`;
  const [found] = await queryAll({ url }, 'select to_regclass($1) is not null as present', [table]);
  if (found?.['present'] !== true) return [];
  // Up to version 4 rows have an id instead of a line.
  return queryAll(
    { url },
    `select to_jsonb(m) - 'created_at' as row from ${table} m order by version`,
  );
}

/** Whether there is a pg_dump that can read this server. */
export async function canDump(database: TestDatabase): Promise<boolean> {
  const { stdout } = spawnSync(PG_DUMP, ['--version'], { encoding: 'utf8' });
  const [, major = '0'] = / (\d+)/.exec(stdout ?? '') ?? [];
  const [server] = await queryAll<{ major: number }>(
    database,
    "select current_setting('server_version_num')::int / 10000 as major",
  );
  return Number(major) >= (server?.major ?? Infinity);
}

/** Without the lines that differ from one run of pg_dump to the next. */
export async function pgDump({ url, schema }: TestDatabase): Promise<string> {
  const args = ['--schema-only', '--no-owner', `--schema="${schema}"`, `--dbname=${url}`];
  const { stdout } = await promisify(execFile)(PG_DUMP, args);
  return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}
