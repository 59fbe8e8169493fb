import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RiverMigrator } from 'nestjs-river/migrations';
import type { Client } from 'pg';
import { GoClient } from '../interop/support/go-client.js';
import { canDump, catalogue, pgDump, riverMigrations } from '../interop/support/schema-facts.js';
import { describeWithGo } from '../interop/support/toolchain.js';
import { connect, createEmptyDatabase, queryAll, type TestDatabase } from '../support/index.js';

const VERSIONS = [1, 2, 3, 4, 5, 6, 7, 8];
const LIMIT_MS = 120_000;

/** A database that one migrator works on. */
interface Side {
  readonly database: TestDatabase;
  /** Brings it to a version, 0 to 8. */
  readonly to: (version: number) => Promise<void>;
  close(): Promise<void>;
}

async function ourSide(database: TestDatabase): Promise<Side> {
  const client = await connect(database);
  return { database, to: ourMigrator(client, database), close: () => client.end() };
}

async function goSide(database: TestDatabase): Promise<Side> {
  const go = await GoClient.start(database);
  return { database, to: goMigrator(go, database), close: () => go.close() };
}

function ourMigrator(client: Client, { schema }: TestDatabase): Side['to'] {
  const migrator = new RiverMigrator(client, { schema });
  return async (version) => {
    const present = await migrator.existingVersions();
    const direction = version > present.length ? 'up' : 'down';
    await migrator.migrate({ direction, targetVersion: version === 0 ? -1 : version });
  };
}

function goMigrator(go: GoClient, database: TestDatabase): Side['to'] {
  return async (version) => {
    const present = await riverMigrations(database);
    await go.migrate({
      schema: database.schema,
      direction: version > present.length ? 'up' : 'down',
      targetVersion: version === 0 ? -1 : version,
    });
  };
}

/** All that can be seen of River's schema. */
async function facts(database: TestDatabase): Promise<{ dump: string }> {
  const facts = {
    record: await riverMigrations(database),
    catalogue: await catalogue(database),
    // Where pg_dump is older than the server, or missing, the catalogues have to do.
    dump: (await canDump(database)) ? await pgDump(database) : 'cannot be had',
  };
  return facts;
}

describeWithGo("River's schema by our migrator and by its own", () => {
  describe.each(['public', 'Other_River'])('in schema %s', (schema) => {
    let ours: Side;
    let gos: Side;

    beforeAll(async () => {
      ours = await ourSide(await createEmptyDatabase({ schema }));
      gos = await goSide(await createEmptyDatabase({ schema }));
    }, 300_000);
    afterAll(async () => {
      await ours.close();
      await gos.close();
    });

    const way = [
      ...VERSIONS.map((version) => ({ way: 'up', version })),
      ...VERSIONS.map((version) => ({ way: 'down', version: 8 - version })),
      // What a way down leaves behind must not stand in the way of another up.
      ...VERSIONS.map((version) => ({ way: 'up again', version })),
      { way: 'down again in one call,', version: 2 },
      { way: 'up again in one call,', version: 8 },
      { way: 'down in one call,', version: 0 },
      { way: 'up from nothing in one call,', version: 8 },
    ];
    test.each(way)(
      'is the same $way to version $version',
      async ({ version }) => {
        await ours.to(version);
        await gos.to(version);
        const found = await catalogue(ours.database);
        expect(await riverMigrations(ours.database)).toHaveLength(version);
        expect(found.length > version).toBe(version > 0);
        const [our, theirs] = [await facts(ours.database), await facts(gos.database)];
        expect(our).toEqual(theirs);
        if (version > 0) expect(our.dump).toMatch(/CREATE TABLE .*river_migration|cannot be had/);
      },
      LIMIT_MS,
    );
  });

  describe('when the two take turns', () => {
    /** Begun by one and finished by the other, over a database that is full of jobs. */
    const turns = VERSIONS.filter((version) => version < 8).flatMap((version) => [
      { first: 'ours', second: "Go's", version },
      { first: "Go's", second: 'ours', version },
    ]);
    let go: GoClient;
    let whole: object;

    beforeAll(async () => {
      const side = await goSide(await createEmptyDatabase());
      await side.to(8);
      whole = await facts(side.database);
      await side.close();
      go = await GoClient.start();
    }, 300_000);
    afterAll(() => go.close());

    test.each(turns)(
      '$first up to $version and $second up to 8, then down the same way',
      async ({ first, version }) => {
        const database = await createEmptyDatabase();
        const client = await connect(database);
        const theirs = await goSide(database);
        const our = ourMigrator(client, database);
        const [begin, finish] = first === 'ours' ? [our, theirs.to] : [theirs.to, our];
        try {
          await begin(version);
          const jobs = version >= 2 ? await insertJobs(database, version) : [];
          await finish(8);
          expect(await facts(database)).toEqual(whole);
          expect(await jobsOf(database, version)).toEqual(jobs);

          await begin(version);
          expect(await riverMigrations(database)).toHaveLength(version);
          await finish(0);
          expect(await riverMigrations(database)).toEqual([]);
        } finally {
          await client.end();
          await theirs.close();
        }
      },
      LIMIT_MS,
    );
  });
});

/** One job per state, and one as only early versions allow it: without args and tags. */
async function insertJobs(database: TestDatabase, version: number): Promise<object[]> {
  await queryAll(
    database,
    `insert into river_job (kind, max_attempts, args, state, finalized_at, tags)
     select 'turn', 3, '{"n": 1}', state,
            case when state in ('cancelled', 'completed', 'discarded') then now() end, '{"a_tag"}'
     from unnest(enum_range(null::river_job_state)) as state`,
  );
  if (version === 2) {
    await queryAll(database, `insert into river_job (kind, max_attempts) values ('turn', 3)`);
  }
  const expected = await jobsOf(database, version);
  return expected.map((job) => ({ ...job, ...filled(job) }));
}

/** What the versions that come make of what is missing. */
function filled({ args, tags }: StoredJob): Partial<StoredJob> {
  return { args: args ?? {}, tags: tags ?? [] };
}

interface StoredJob {
  readonly args: object | null;
  readonly tags: string[] | null;
}

async function jobsOf(database: TestDatabase, version: number): Promise<StoredJob[]> {
  if (version < 2) return [];
  return await queryAll<StoredJob>(
    database,
    `select id, state::text, kind, max_attempts, args, metadata, tags, created_at, finalized_at
     from river_job order by id`,
  );
}
