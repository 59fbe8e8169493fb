import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  InsertManyParams,
  jobArgs,
  RiverClient,
  RiverModule,
  type UniqueOptions,
} from 'nestjs-river';
import { Test } from '@nestjs/testing';
import { askCommitOutcome } from '../../lib/transaction/engine/commit-outcome.js';
import { interruptionOf } from '../../lib/postgres/driver/interruption.js';
import type { PgClient } from '../../lib/postgres/driver/pg-client.js';
import { plantJobs, type PlantedJob } from '../administration/planted-jobs.js';
import {
  createTestDatabase,
  PLANTED,
  prepareEvil,
  queryAll,
  type PlantedSchema,
} from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

/** What README.md says to set for River's own function. */
const CURE =
  /```sql\n(BEGIN;\nALTER FUNCTION river_job_state_in_bitmask .*?)```/s.exec(
    readFileSync('README.md', 'utf8'),
  )?.[1] ?? '';

/** Every job has its own number. */
let jobs = 0;
const job = (): object => jobArgs('planted', { number: (jobs += 1) });
const one = (client: StartedClient, more: PlantedJob = {}): Promise<string> =>
  plantJobs(client.database, [more]).then(([id = '']) => id);

const BY_INDEX: UniqueOptions = { byArgs: true, byQueue: true, byPeriod: 60_000 };
const BY_LOCK: UniqueOptions = {
  byArgs: true,
  byQueue: true,
  byPeriod: 60_000,
  byState: ['available'],
};
const BY_PATH: UniqueOptions = { byArgs: ['number'], byState: ['available'] };

const unique = (args: object, uniqueOpts: UniqueOptions): InsertManyParams =>
  InsertManyParams.of(args, { uniqueOpts });

/** Two jobs with keys that are new and one with a key that is stored. */
const mixed = async ({ river }: StartedClient, uniqueOpts: UniqueOptions): Promise<object[]> => {
  const stored = job();
  await river.insert(stored, { uniqueOpts });
  return [stored, job(), job()].map((args) => unique(args, uniqueOpts));
};

type Uses = Readonly<Record<string, (client: StartedClient) => Promise<unknown>>>;

const INSERTS: Uses = {
  insert: ({ river }) => river.insert(job()),
  'insert, concurrently': ({ river }) =>
    Promise.all(Array.from({ length: 40 }, () => river.insert(job(), { tags: ['abc'] }))),
  'insert with a time': ({ river }) => river.insert(job(), { scheduledAt: new Date() }),
  'insert with a delay': ({ river }) => river.insert(job(), { delay: 1_000 }),
  insertTx: ({ dataSource, river }) => dataSource.transaction((tx) => river.insertTx(tx, job())),
  'insert in a tracked transaction': ({ river, transaction }) =>
    transaction.run({ trackOutcome: true }, async () => {
      await river.insert(job(), { uniqueOpts: BY_INDEX });
      await river.insertMany([job(), job()]);
    }),
  'insert in a transaction': ({ river, transaction }) => transaction.run(() => river.insert(job())),
  insertMany: ({ river }) => river.insertMany([job(), job()]),
  'insert by a unique key': async ({ river }) => {
    const args = job();
    await river.insert(args, { uniqueOpts: BY_INDEX });
    await river.insert(args, { uniqueOpts: BY_INDEX });
  },
  'insert by a lock': async ({ river }) => {
    const args = job();
    await river.insert(args, { uniqueOpts: BY_LOCK });
    await river.insert(args, { uniqueOpts: BY_LOCK });
  },
  'insert by a lock and a path': ({ river }) => river.insert(job(), { uniqueOpts: BY_PATH }),
  'insertMany by unique keys': async (client) =>
    client.river.insertMany(await mixed(client, BY_INDEX)),
  'insertMany by unique keys in a transaction': async (client) => {
    const items = await mixed(client, BY_INDEX);
    await client.transaction.run(() => client.river.insertMany(items));
  },
  'insertMany by locks': async (client) => client.river.insertMany(await mixed(client, BY_LOCK)),
  insertManyFast: ({ river }) => river.insertManyFast([job(), job()]),
  'insertManyFast in a transaction': ({ river, transaction }) =>
    transaction.run(() => river.insertManyFast([job(), job()])),
  'insertManyFast, skipping': async (client) =>
    client.river.insertManyFast(await mixed(client, BY_INDEX), { onConflict: 'skip' }),
  explainUnique: async ({ river }) => {
    const args = job();
    await river.insert(args, { uniqueOpts: BY_INDEX });
    for (const uniqueOpts of [BY_INDEX, BY_LOCK, BY_PATH]) {
      await river.explainUnique(args, { uniqueOpts });
      await river.explainUnique(job(), { uniqueOpts });
    }
  },
  'inserts into a table with triggers': async (client) => {
    const create = `create trigger looks before insert on river_job for each row execute function looks()`;
    await queryAll(client.database, create);
    try {
      // Those that discover the trigger, and those that know of it.
      for (let round = 0; round < 2; round++) {
        const items = await mixed(client, BY_INDEX);
        await client.river.insertMany([job(), job()]);
        await client.river.insert(job());
        await client.river.insertMany(items);
        await client.river.insertManyFast(await mixed(client, BY_INDEX), { onConflict: 'skip' });
      }
    } finally {
      await queryAll(client.database, 'drop trigger looks on river_job');
    }
  },
};

const RANGE = { from: new Date(0), to: new Date('2100-01-01') };
const ADMINISTRATION: Uses = {
  jobGet: async (client) => client.river.jobGet(await one(client)),
  'jobList with every filter': async ({ river }) => {
    const filters = {
      ...{ ids: ['1'], kinds: ['a'], queues: ['a'], priorities: [1] },
      ...{ tagsAll: ['a'], tagsAny: ['a'], args: { a: 1 }, metadata: { a: 1 } },
      ...{ createdAt: RANGE, attemptedAt: RANGE, scheduledAt: RANGE, finalizedAt: RANGE },
    };
    await river.jobList({ ...filters, states: ['available', 'completed'] });
    await river.jobList({ ...filters, states: ['available', 'retryable'], orderBy: 'time' });
  },
  'jobList in every order': async (client) => {
    const { river, database } = client;
    await plantJobs(database, [{ state: 'completed' }, { state: 'completed' }, {}, {}]);
    for (const orderBy of ['id', 'scheduledAt', 'finalizedAt', 'time'] as const) {
      for (const sortOrder of ['asc', 'desc'] as const) {
        for (const states of [undefined, ['running', 'completed'] as const]) {
          if (orderBy === 'finalizedAt' && states !== undefined) continue;
          const page = await river.jobList({ orderBy, sortOrder, states, first: 1 });
          await river.jobList({ orderBy, sortOrder, states, first: 1, after: page.lastCursor });
        }
      }
    }
  },
  jobCancel: async (client) => {
    await client.river.jobCancel(await one(client));
    await client.river.jobCancel(await one(client, { state: 'running' }));
  },
  jobRetry: async (client) => client.river.jobRetry(await one(client, { state: 'completed' })),
  jobRescue: async (client) => {
    const running: PlantedJob = {
      state: 'running',
      attempted_at: '2020-01-01T00:00:00Z',
      attempt: 1,
    };
    const metadata = { cancel_attempted_at: '2020-01-01T00:00:00Z', 'river:rescue_count': 1 };
    for (const more of [{}, { metadata }, { max_attempts: 1 }]) {
      await client.river.jobRescue(await one(client, { ...running, ...more }));
    }
  },
  jobDelete: async (client) => client.river.jobDelete(await one(client)),
  'jobUpdate of the output': async (client) =>
    client.river.jobUpdate(await one(client), { output: 1, metadata: { a: 1 } }),
  'jobUpdate of what waits': async ({ river }) => {
    const { job: stored } = await river.insert(job());
    await river.jobUpdate(stored.id, { queue: 'other', priority: 2, delay: 1_000 });
    await river.jobUpdate(stored.id, { delay: 0, metadata: { a: 1 } });
    const { job: other } = await river.insert(job(), { uniqueOpts: { byArgs: true } });
    await river.jobUpdate(other.id, { args: job(), uniqueOpts: { byArgs: true } });
  },
  'jobCancelMany, jobRetryMany and jobDeleteMany': async (client) => {
    await plantJobs(client.database, [{ kind: 'many' }, { kind: 'many', state: 'running' }]);
    await client.river.jobCancelMany({ kinds: ['many'] });
    await client.river.jobRetryMany({ kinds: ['many'], states: ['cancelled'] });
    await client.river.jobRetryMany({ kinds: ['many'] });
    await client.river.jobDeleteMany({ kinds: ['many'] });
    await client.river.jobDeleteMany({ unsafeAll: true, first: 1 });
  },
  queues: async ({ river, database }) => {
    await queryAll(database, `insert into river_queue (name) values ('q') on conflict do nothing`);
    await river.queueGet('q');
    await river.queueList();
    await river.queuePause('q');
    await river.queuePause('*');
    await river.queuePause('unannounced');
    await river.queueResume('q');
    await river.queueResume('*');
    await river.queueUpdate('q', { metadata: { a: 1 } });
    await river.queueStats();
    await river.queueStats({ finalized: true });
  },
  waits: async (client) => {
    const { database, river } = client;
    await river.waitFor(await one(client, { state: 'completed' }));
    const result = river.insertAndWait(jobArgs('awaited', {}));
    for (let ended = 0; ended === 0;) {
      const rows = await queryAll(
        database,
        `update river_job set state = 'completed', finalized_at = now() where kind = 'awaited' returning id`,
      );
      ended = rows.length;
    }
    await result;
  },
};

const TRANSACTIONS: Uses = {
  'a transaction with options': ({ transaction }) =>
    transaction.run({ lockTimeoutMs: 5_000, statementTimeoutMs: 5_000, readOnly: true }, () => 1),
  'a transaction that joins another with options': ({ dataSource, transaction }) =>
    dataSource.transaction(() =>
      transaction.run({ isolation: 'READ COMMITTED', readOnly: false }, () => 1),
    ),
  'the outcome of a transaction': async ({ dataSource, database }) => {
    const [row] = await queryAll<{ xid: string }>(
      database,
      'select pg_current_xact_id()::text as xid',
    );
    const lost = { xid: row?.xid, openAt: performance.now() };
    expect(await askCommitOutcome(dataSource, lost)).toBe('committed');
  },
  'what interrupted a statement': async ({ dataSource }) => {
    const runner = dataSource.createQueryRunner();
    const client = (await runner.connect()) as PgClient;
    const cause = Object.assign(new Error('abgebrochen'), { code: '57014' });
    expect(await interruptionOf(cause, client, { ranMs: 1, isOutside: true })).toBe('cancel');
    await runner.release();
  },
  'the checks at start-up': async ({ dataSource }) => {
    const options = { dataSource, schema: 'public', migrate: true };
    const imports = [RiverModule.forRoot(options)];
    const app = await (await Test.createTestingModule({ imports }).compile()).init();
    await app.get(RiverClient).insert(job());
    await app.close();
  },
};

describe.each([
  { named: 'before pg_catalog', searchPath: 'evil,pg_catalog,public', schema: 'public' },
  { named: 'behind all others', searchPath: 'public,evil', schema: undefined },
  {
    named: 'behind all others, with the schema named',
    searchPath: 'public,evil',
    schema: 'public',
  },
])('in a schema $named, nothing planted runs in', ({ searchPath, schema }) => {
  let client: StartedClient;
  let evil: PlantedSchema;
  let failures: string[];

  beforeAll(async () => {
    const database = await createTestDatabase();
    evil = await prepareEvil(database, { searchPath, withRiver: schema !== undefined });
    await queryAll(
      database,
      `create function looks() returns trigger language plpgsql as 'begin return new; end' set search_path = pg_catalog;
       ${CURE}`,
    );
    const extra = { options: evil.options };
    client = await startClient({ database, dataSource: { extra }, river: { schema } });
    const { logger } = client.dataSource;
    logger.logQueryError = (error, query) => {
      if (PLANTED.test(String(error))) failures.push(`${String(error)}: ${query}`);
    };
    await evil.plant();
  });
  afterAll(async () => {
    await client.stop();
    await evil.remove();
  });

  test.each(Object.entries({ ...INSERTS, ...ADMINISTRATION, ...TRANSACTIONS }))(
    '%s',
    async (_name, use) => {
      failures = [];
      const error = await use(client).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect({ error, failures }).toEqual({ error: undefined, failures: [] });
    },
  );
});

test("a search_path set for River's function holds for sessions that are open", async () => {
  const client = await startClient({ dataSource: { max: 1 } });
  const use = INSERTS['insertMany by unique keys'];
  const insertTwice = async (): Promise<unknown> => {
    const args = job();
    await client.river.insert(args, { uniqueOpts: BY_INDEX });
    return await client.river.insert(args, { uniqueOpts: BY_INDEX });
  };
  const skipped = { uniqueSkippedAsDuplicated: true };
  try {
    expect(await insertTwice()).toMatchObject(skipped);
    await use?.(client);
    await queryAll(client.database, CURE);
    expect(await insertTwice()).toMatchObject(skipped);
    await use?.(client);
    const [row] = await queryAll<{ proconfig: string[] }>(
      client.database,
      `select proconfig from pg_proc where proname = 'river_job_state_in_bitmask'`,
    );
    expect(row?.proconfig).toEqual(['search_path=pg_catalog']);
  } finally {
    await client.stop();
  }
});
