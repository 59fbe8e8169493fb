import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  createEmptyDatabase,
  installRiver,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { GoClient } from './support/go-client.js';
import { describeWithGo } from './support/toolchain.js';

/** Another than the one on the PATH may fit the server. */
const PG_DUMP = process.env['PG_DUMP'] ?? 'pg_dump';
const CATALOGUE = 'test/interop/schema-catalogue.sql';

describeWithGo("the schema of our SQL file and that of River's migrations", () => {
  describe.each(['public', 'other_river'])('in %s', (schema) => {
    let ours: TestDatabase;
    let gos: TestDatabase;

    beforeAll(async () => {
      ours = await createEmptyDatabase({ schema });
      await installRiver(ours);
      gos = await createEmptyDatabase({ schema });
      const go = await GoClient.start(gos);
      await go.migrate({ schema });
      await go.close();
    }, 300_000);

    test('are the same in the catalogues', async () => {
      const facts = await catalogue(ours);
      expect(facts.length).toBeGreaterThan(50);
      expect(facts).toEqual(await catalogue(gos));
    });

    test('name the same migrations', async () => {
      const migrations = await riverMigrations(ours);
      expect(migrations.length).toBeGreaterThan(0);
      expect(migrations).toEqual(await riverMigrations(gos));
    });

    // Where pg_dump is older than the server, or missing, the catalogues have to do.
    test('are the same to pg_dump, where it can read this server', async () => {
      if (!(await canDump(ours))) return;
      const dump = await pgDump(ours);
      expect(dump).toContain('river_job');
      expect(dump).toBe(await pgDump(gos));
    });
  });
});

async function catalogue({ url, schema }: TestDatabase): Promise<object[]> {
  const sql = await readFile(CATALOGUE, 'utf8');
  return queryAll({ url }, `set search_path to ${schema};\n${sql}`);
}

async function riverMigrations({ url, schema }: TestDatabase): Promise<object[]> {
  return queryAll({ url }, `select line, version from ${schema}.river_migration order by 1, 2`);
}

async function canDump(database: TestDatabase): Promise<boolean> {
  const { stdout } = spawnSync(PG_DUMP, ['--version'], { encoding: 'utf8' });
  const [, major = '0'] = / (\d+)/.exec(stdout ?? '') ?? [];
  const [server] = await queryAll<{ major: number }>(
    database,
    "select current_setting('server_version_num')::int / 10000 as major",
  );
  return Number(major) >= (server?.major ?? Infinity);
}

/** Without the lines that differ from one run of pg_dump to the next. */
async function pgDump({ url, schema }: TestDatabase): Promise<string> {
  const args = ['--schema-only', '--no-owner', `--schema=${schema}`, `--dbname=${url}`];
  const { stdout } = await promisify(execFile)(PG_DUMP, args);
  return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}
