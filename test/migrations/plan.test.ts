import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RiverMigrationError, RiverMigrator, type MigrateOptions } from 'nestjs-river/migrations';
import type { Client } from 'pg';
import { GoClient } from '../interop/support/go-client.js';
import { describeWithGo } from '../interop/support/toolchain.js';
import { connect, createEmptyDatabase } from '../support/index.js';

const LIMIT_MS = 300_000;
const NONE = undefined;

type Outcome = readonly number[] | 'refused';

/** All ways to ask, at one version of the database. */
const ASKED = (['up', 'down'] as const).flatMap((direction) =>
  [NONE, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((targetVersion) =>
    [NONE, 1, 3, 20].map((maxSteps): MigrateOptions => ({ direction, targetVersion, maxSteps })),
  ),
);

/** Where we mean to differ from River: see the comments. */
function isOurs({ direction, targetVersion, maxSteps }: MigrateOptions): boolean {
  // Up to -1 is all to River; to us it is a slip.
  if (direction === 'up') return targetVersion === -1;
  // Down, River refuses a number of steps that ends before the target; we go as far as it allows.
  return targetVersion !== undefined && targetVersion > 0 && maxSteps !== undefined;
}

describeWithGo('the versions that are chosen', () => {
  let client: Client;
  let go: GoClient;
  beforeAll(async () => {
    const database = await createEmptyDatabase();
    client = await connect(database);
    go = await GoClient.start(database);
  }, LIMIT_MS);
  afterAll(async () => {
    await client.end();
    await go.close();
  });

  async function ours(options: MigrateOptions): Promise<Outcome> {
    try {
      const { versions } = await new RiverMigrator(client).migrate({ ...options, dryRun: true });
      return versions.map(({ version }) => version);
    } catch (error) {
      if (error instanceof RiverMigrationError) return 'refused';
      throw error;
    }
  }

  async function gos({
    direction,
    targetVersion = 0,
    maxSteps = 0,
  }: MigrateOptions): Promise<Outcome> {
    const target = { direction, targetVersion, maxSteps, dryRun: true };
    return await go.migrate(target).catch(() => 'refused' as const);
  }

  describe.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('at version %d', (version) => {
    test(
      "are those that River's migrator chooses, whatever is asked for",
      async () => {
        if (version > 0) {
          await new RiverMigrator(client).migrate({ direction: 'up', targetVersion: version });
        }
        const asked = ASKED.filter((options) => !isOurs(options));
        const differences = [];
        for (const options of asked) {
          const [our, their] = [await ours(options), await gos(options)];
          if (JSON.stringify(our) !== JSON.stringify(their))
            differences.push({ options, our, their });
        }
        expect(differences).toEqual([]);
        expect(asked.length).toBeGreaterThan(50);
      },
      LIMIT_MS,
    );
  });

  test('are the fewer of both, where River refuses a way down that ends before its target', async () => {
    const options: MigrateOptions = { direction: 'down', targetVersion: 3, maxSteps: 2 };
    expect([await ours(options), await gos(options)]).toEqual([[8, 7], 'refused']);
  });
});
