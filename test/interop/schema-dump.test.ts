import { beforeAll, describe, expect, test } from '@jest/globals';
import { createEmptyDatabase, installRiver, type TestDatabase } from '../support/index.js';
import { GoClient } from './support/go-client.js';
import { canDump, catalogue, pgDump, riverMigrations } from './support/schema-facts.js';
import { describeWithGo } from './support/toolchain.js';

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
