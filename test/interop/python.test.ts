import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobArgs, type InsertOptions, type RiverClient } from 'nestjs-river';
import { connect, createEmptyDatabase, type TestDatabase } from '../support/index.js';
import { GoClient } from './support/go-client.js';
import { PythonClient, type PythonJob } from './support/python-client.js';
import { preparePython } from './support/python-setup.js';
import { openRiver, type RiverApp } from './support/river-app.js';
import { StoredRows, type StoredRow } from './support/stored-rows.js';
import { describeWith, describeWithGo } from './support/toolchain.js';

const SOON = new Date('2126-11-22T08:00:00.005Z');
const SORT: PythonJob = { kind: 'sort', encodedArgs: '{"a": 1, "b": {"d": "é<", "c": 2}}' };
const args = (): object => jobArgs('sort', { b: { c: 2, d: 'é<' }, a: 1 });
/** The list of River's READMEs. */
const WAITING = ['available'] as const;

/** Python's client has no metadata, no pending and no clock of its own. */
const OPTIONS: Record<string, { ours: InsertOptions; python: PythonJob['opts'] }> = {
  none: { ours: {}, python: {} },
  maxAttempts: { ours: { maxAttempts: 17 }, python: { maxAttempts: 17 } },
  priority: { ours: { priority: 4 }, python: { priority: 4 } },
  queue: { ours: { queue: 'slow' }, python: { queue: 'slow' } },
  scheduledAt: {
    ours: { scheduledAt: SOON },
    python: { scheduledAtUnixMs: SOON.getTime() },
  },
  tags: { ours: { tags: ['one', 'two-2'] }, python: { tags: ['one', 'two-2'] } },
  all: {
    ours: { maxAttempts: 2, priority: 3, queue: 'q', scheduledAt: SOON, tags: ['tag'] },
    python: {
      maxAttempts: 2,
      priority: 3,
      queue: 'q',
      scheduledAtUnixMs: SOON.getTime(),
      tags: ['tag'],
    },
  },
};

/** More than the window in which we notify once. */
const WINDOW_MS = 150;

const python = await preparePython();
const requirement = {
  tool: 'Python',
  missing: python.missing,
  cure: 'Install Python 3.9 or later with venv and pip, then: npm test -- test/interop/python',
};

describeWith(requirement, "River's Python client, 0.7.0", () => {
  // Go makes the older versions of the schema.
  describeWithGo('and ours', () => {
    describe.each([6, 7, 8])('on version %s', (version) => {
      let database: TestDatabase;
      let app: RiverApp;
      let river: RiverClient;
      let client: PythonClient;
      let rows: StoredRows;

      beforeAll(async () => {
        database = await createEmptyDatabase();
        const go = await GoClient.start(database);
        await go.migrate({ schema: database.schema, targetVersion: version });
        await go.close();
        app = await openRiver(database);
        ({ river } = app);
        client = await PythonClient.start(python.executable ?? '', database);
        rows = await StoredRows.open(database);
      }, 300_000);

      afterAll(async () => {
        await client.close();
        await rows.close();
        await app.close();
      });

      beforeEach(async () => {
        await rows.clear(database.schema);
      });

      const withOpts = (opts: PythonJob['opts']): PythonJob => ({ ...SORT, ...(opts && { opts }) });
      const unique = (
        uniqueOpts: NonNullable<PythonJob['opts']>['uniqueOpts'],
        job: Partial<PythonJob> = {},
      ): PythonJob => ({
        ...SORT,
        ...job,
        opts: { ...job.opts, ...(uniqueOpts && { uniqueOpts }) },
      });

      test.each(Object.entries(OPTIONS))(
        'stores the same plain row: option %s',
        async (_name, each) => {
          await river.insert(args(), each.ours);
          await client.insert(withOpts(each.python));
          const [ours, pythons] = (await rows.all(database.schema)).map(withoutClock);
          expect(ours).toEqual(pythons);
        },
      );

      test('stores the same rows in a batch', async () => {
        const all = Object.values(OPTIONS);
        for (const each of all) await river.insert(args(), each.ours);
        expect(await client.insertMany(all.map((each) => withOpts(each.python)))).toBe(all.length);
        const stored = (await rows.all(database.schema)).map(withoutClock);
        expect(stored.slice(0, all.length)).toEqual(stored.slice(all.length));
      });

      test('refuses unique options in a batch, as we do not', async () => {
        await expect(client.insertMany([unique({ byArgs: true })])).rejects.toThrow('unique opts');
      });

      test.each<[string, InsertOptions]>([
        ['a plain row', {}],
        ['a row of the index path', { uniqueOpts: { byArgs: true } }],
        ['a row of the lock path', { uniqueOpts: { byArgs: true, byState: WAITING } }],
      ])('its look-up sees %s of ours', async (_name, opts) => {
        const { job } = await river.insert(args(), opts);
        expect(await client.insert(unique({ byArgs: true, byState: WAITING }))).toEqual({
          id: String(job.id),
          skipped: true,
        });
        expect(await rows.count(database.schema)).toBe(1);
      });

      test('its look-up passes over rows of ours in other states, with other args, in other queues', async () => {
        const finished = await river.insert(args());
        await rows.finish(database.schema, finished.job.id, 'completed');
        await river.insert(args(), { pending: true });
        await river.insert(jobArgs('sort', { a: 2 }));
        await river.insert(args(), { queue: 'slow' });
        const byAll = unique({ byArgs: true, byQueue: true, byState: WAITING });
        expect((await client.insert(byAll)).skipped).toBe(false);
      });

      test('our look-up sees its rows, plain and unique', async () => {
        const opts = { uniqueOpts: { byArgs: true, byState: WAITING } };
        const plain = await client.insert(SORT);
        const { job, uniqueSkippedAsDuplicated } = await river.insert(args(), opts);
        expect({ id: String(job.id), skipped: uniqueSkippedAsDuplicated }).toEqual({
          id: plain.id,
          skipped: true,
        });

        await rows.clear(database.schema);
        const locked = await client.insert(unique({ byArgs: true, byState: WAITING }));
        expect(String((await river.insert(args(), opts)).job.id)).toBe(locked.id);
      });

      test('both look-ups see by queue and by period, too', async () => {
        const uniqueOpts = { byPeriod: 86_400, byQueue: true, byState: WAITING } as const;
        const opts = { queue: 'slow' };
        const ours = await river.insert(args(), { ...opts, uniqueOpts });
        const pythons = await client.insert(unique(uniqueOpts, { opts }));
        expect(pythons).toEqual({ id: String(ours.job.id), skipped: true });

        await rows.clear(database.schema);
        const first = await client.insert(unique(uniqueOpts, { opts }));
        expect(String((await river.insert(args(), { ...opts, uniqueOpts })).job.id)).toBe(first.id);
      });

      describe('does not agree, by its own faults', () => {
        test('its unique inserts without states fail: they need the index of version 5', async () => {
          await expect(client.insert(unique({ byArgs: true }))).rejects.toMatchObject({
            sqlState: '42P10',
          });
        });

        test('our index path does not see its rows, which have no unique key', async () => {
          await client.insert(unique({ byArgs: true, byState: WAITING }));
          const ours = await river.insert(args(), { uniqueOpts: { byArgs: true } });
          expect(ours.uniqueSkippedAsDuplicated).toBe(false);
        });

        test('its look-up by period finds rows of any period', async () => {
          const { job } = await river.insert(args());
          await aged(database, job.id);
          const byPeriod = { byArgs: true, byPeriod: 60, byState: WAITING } as const;
          expect((await client.insert(unique(byPeriod))).skipped).toBe(true);
          expect(
            (await river.insert(args(), { uniqueOpts: byPeriod })).uniqueSkippedAsDuplicated,
          ).toBe(false);
        });

        test('its lock is another than ours: it does not wait for our open transaction', async () => {
          const uniqueOpts = { byArgs: true, byState: WAITING } as const;
          const runner = app.dataSource.createQueryRunner();
          await runner.startTransaction();
          await river.insertTx(runner, args(), { uniqueOpts });
          expect((await client.insert(unique(uniqueOpts))).skipped).toBe(false);
          await runner.commitTransaction();
          await runner.release();
          expect(await rows.count(database.schema)).toBe(2);
        });

        test('it wakes no worker', async () => {
          const listener = await connect(database);
          try {
            // What the inserts of other tests held back for the window is over by then.
            await sleep(WINDOW_MS);
            let heard = 0;
            listener.on('notification', () => (heard += 1));
            await listener.query(`listen "${database.schema}.river_insert"`);
            await client.insert(SORT);
            await sleep(WINDOW_MS);
            expect(heard).toBe(0);
            await river.insert(args());
            await sleep(WINDOW_MS);
            expect(heard).toBe(1);
          } finally {
            await listener.end();
          }
        });
      });
    });
  });
});

/** Python's client takes the database's clock, ours its own. */
function withoutClock({ created_at: _createdAt, ...row }: StoredRow): StoredRow {
  const { scheduled_at: _scheduledAt, ...rest } = row;
  return row['state'] === 'scheduled' ? row : rest;
}

async function aged(database: TestDatabase, id: string): Promise<void> {
  const client = await connect(database);
  await client.query(
    "update river_job set created_at = created_at - interval '1 day' where id = $1",
    [String(id)],
  );
  await client.end();
}
