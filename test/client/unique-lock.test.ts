import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  InsertManyParams,
  JobArgs,
  jobArgs,
  rawJson,
  RiverTransactionError,
  type JobState,
} from 'nestjs-river';
import { connect, queryAll, type StatementSpy } from '../support/index.js';
import {
  countJobs,
  startClient,
  storedJobs,
  startSpiedClient,
  type SpiedClient,
} from './started-client.js';

const WAITING: JobState[] = ['available', 'scheduled', 'pending'];

@JobArgs('reindex', { uniqueOpts: { byArgs: true, byState: WAITING } })
class ReindexArgs {
  constructor(readonly table: string) {}
}

let spy: StatementSpy;
let client: SpiedClient;
beforeAll(async () => {
  client = await startSpiedClient();
  spy = client.spy;
});
afterEach(() => queryAll(client.database, 'delete from river_job'));
afterAll(() => client.stop());

describe('a unique job whose states River’s index cannot express', () => {
  test('is stored once while one waits, and again while one runs', async () => {
    const first = await client.river.insert(new ReindexArgs('orders'));
    const second = await client.river.insert(new ReindexArgs('orders'));
    expect(second).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
    await queryAll(client.database, `update river_job set state = 'running'`);
    const third = await client.river.insert(new ReindexArgs('orders'));
    expect(third.uniqueSkippedAsDuplicated).toBe(false);
    expect(await countJobs(client.database)).toBe(2);
  });

  test('has no unique key in its row', async () => {
    const { job } = await client.river.insert(new ReindexArgs('orders'));
    expect(job).toMatchObject({ uniqueKey: null, uniqueStates: null });
    const [row] = await storedJobs(client.database);
    expect(row).toMatchObject({ unique_key: null, unique_states: null });
  });

  test('takes its lock by a statement before the look-up, in a transaction of its own', async () => {
    const { statements } = await spy.during(() => client.river.insert(new ReindexArgs('a')));
    expect(statements.map(({ sql }) => sql.split(/\s/, 1)[0])).toEqual([
      'BEGIN',
      'SELECT',
      'SELECT',
      'INSERT',
      'COMMIT',
    ]);
    expect(statements[1]?.sql).toContain('pg_advisory_xact_lock');
  });

  test('joins a transaction, and disappears with it', async () => {
    await expect(
      client.transaction.run(async () => {
        await client.river.insert(new ReindexArgs('orders'));
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await countJobs(client.database)).toBe(0);
    const after = await client.river.insert(new ReindexArgs('orders'));
    expect(after.uniqueSkippedAsDuplicated).toBe(false);
  });

  test('waits for an equal one of an open transaction, and answers its end', async () => {
    for (const end of ['commit', 'rollback']) {
      const other = await connect(client.database);
      await other.query('begin');
      const { job } = await client.river.insertTx(other, new ReindexArgs(end));
      const insert = client.river.insert(new ReindexArgs(end));
      await expect(Promise.race([insert, pause(150)])).resolves.toBe('still waiting');
      await other.query(end);
      const result = await insert;
      expect(result.uniqueSkippedAsDuplicated).toBe(end === 'commit');
      expect(result.job.id === job.id).toBe(end === 'commit');
      await other.end();
    }
  });

  test('is stored once by many callers at once, who all get that row', async () => {
    for (let round = 0; round < 20; round++) {
      const args = new ReindexArgs(`round ${round}`);
      const results = await Promise.all(Array.from({ length: 8 }, () => client.river.insert(args)));
      expect(new Set(results.map(({ job }) => job.id)).size).toBe(1);
      expect(results.filter((result) => !result.uniqueSkippedAsDuplicated)).toHaveLength(1);
    }
    expect(await countJobs(client.database)).toBe(20);
  });

  test('is compared as jsonb compares: key order and the spelling of numbers do not matter', async () => {
    const opts = { uniqueOpts: { byArgs: true, byState: WAITING } };
    const insert = (payload: object) => client.river.insert(jobArgs('same', payload), opts);
    const first = await insert({ a: { x: 1, y: 10 } });
    const others = await Promise.all(
      [
        { a: { y: 10, x: 1 } },
        { a: { x: rawJson('1.0'), y: rawJson('1e1') } },
        { a: { x: rawJson('10e-1'), y: 10n } },
      ].map(insert),
    );
    expect(others.map(({ job }) => job.id)).toEqual(others.map(() => first.job.id));
    expect((await insert({ a: { x: 1, y: 11 } })).uniqueSkippedAsDuplicated).toBe(false);
  });
});

describe('each dimension of the lock path', () => {
  const byState: JobState[] = ['available'];

  test('byState alone means the kind', async () => {
    const opts = { uniqueOpts: { byState } };
    await client.river.insert(jobArgs('one', { n: 1 }), opts);
    const same = await client.river.insert(jobArgs('one', { n: 2 }), opts);
    const other = await client.river.insert(jobArgs('two', { n: 1 }), opts);
    expect([same, other].map((r) => r.uniqueSkippedAsDuplicated)).toEqual([true, false]);
  });

  test('byArgs with paths compares these only, and tells null from nothing', async () => {
    const opts = { uniqueOpts: { byArgs: ['customer.id', ['a.b']], byState } };
    const insert = async (payload: object) =>
      (await client.river.insert(jobArgs('paths', payload), opts)).uniqueSkippedAsDuplicated;
    expect(await insert({ customer: { id: 1, name: 'x' }, 'a.b': 1 })).toBe(false);
    expect(await insert({ customer: { id: 1, name: 'y' }, 'a.b': 1 })).toBe(true);
    expect(await insert({ customer: { id: 2 }, 'a.b': 1 })).toBe(false);
    expect(await insert({ customer: { id: null } })).toBe(false);
    expect(await insert({ customer: {} })).toBe(false);
    expect(await insert({ customer: {} })).toBe(true);
  });

  test('byQueue compares the effective queue', async () => {
    const insert = async (queue?: string) =>
      (
        await client.river.insert(jobArgs('q', {}), {
          queue,
          uniqueOpts: { byQueue: true, byState },
        })
      ).uniqueSkippedAsDuplicated;
    expect([await insert(), await insert('default'), await insert('slow')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('excludeKind lets jobs of other kinds count', async () => {
    const opts = { uniqueOpts: { byArgs: true, excludeKind: true, byState } };
    await client.river.insert(jobArgs('one', { n: 1 }), opts);
    const other = await client.river.insert(jobArgs('two', { n: 1 }), opts);
    expect(other).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { kind: 'one' } });
  });

  test('sees jobs of any client, with and without unique keys', async () => {
    const { job } = await client.river.insert(jobArgs('seen', { n: 1 }));
    const again = await client.river.insert(jobArgs('seen', { n: 1 }), {
      uniqueOpts: { byArgs: true, byState },
    });
    expect(again).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: job.id } });
  });
});

describe('byPeriod on the lock path', () => {
  test('goes by the time of the insert', async () => {
    let now = new Date('2026-11-21T10:07:33Z');
    const timed = await startClient({ database: client.database, river: { clock: () => now } });
    const opts = { uniqueOpts: { byPeriod: 900, byState: WAITING } };
    const insert = async () =>
      (await timed.river.insert(jobArgs('p', {}), opts)).uniqueSkippedAsDuplicated;
    expect(await insert()).toBe(false);
    now = new Date('2026-11-21T10:14:59.999Z');
    expect(await insert()).toBe(true);
    now = new Date('2026-11-21T10:15:00Z');
    expect(await insert()).toBe(false);
    await timed.stop();
  });
});

describe('a batch with jobs of the lock path', () => {
  test('stores each key once, in any mixture', async () => {
    const stored = await client.river.insert(new ReindexArgs('stored'));
    const index = { uniqueOpts: { byArgs: true } };
    const results = await client.river.insertMany([
      new ReindexArgs('new'),
      InsertManyParams.of(jobArgs('indexed', { n: 1 }), index),
      new ReindexArgs('stored'),
      jobArgs('plain', {}),
      new ReindexArgs('new'),
      InsertManyParams.of(jobArgs('indexed', { n: 1 }), index),
    ]);
    expect(results.map((r) => r.uniqueSkippedAsDuplicated)).toEqual([
      false,
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(results[2].job.id).toBe(stored.job.id);
    expect(results[4].job.id).toBe(results[0].job.id);
    expect(results[5].job.id).toBe(results[1].job.id);
    expect(await countJobs(client.database)).toBe(4);
  });

  test('does not count an earlier job of the batch whose state was not asked for', async () => {
    const byState: JobState[] = ['available'];
    const results = await client.river.insertMany([
      InsertManyParams.of(jobArgs('k', {}), { delay: 60_000, uniqueOpts: { byState } }),
      InsertManyParams.of(jobArgs('k', {}), { uniqueOpts: { byState } }),
    ]);
    expect(results.map((r) => r.uniqueSkippedAsDuplicated)).toEqual([false, false]);
  });

  test('takes its locks in one order: with a key held in the middle, neither waits for the other', async () => {
    const keys = Array.from({ length: 5 }, (_, n) => new ReindexArgs(`held ${n}`));
    for (const held of keys) {
      const holder = await connect(client.database);
      await holder.query('begin');
      await client.river.insertTx(holder, held);
      const both = [client.river.insertMany(keys), client.river.insertMany([...keys].reverse())];
      await pause(100);
      await holder.query('rollback');
      await holder.end();
      await Promise.all(both);
      await queryAll(client.database, 'delete from river_job');
    }
  });

  test('does not deadlock with another that has the same keys in opposite order', async () => {
    for (let round = 0; round < 20; round++) {
      const jobs = Array.from({ length: 10 }, (_, n) => new ReindexArgs(`${round}/${n}`));
      await Promise.all([
        client.river.insertMany(jobs),
        client.river.insertMany([...jobs].reverse()),
      ]);
    }
    expect(await countJobs(client.database)).toBe(200);
  });
});

describe('args that jsonb reads in its own way', () => {
  const opts = (...path: string[]) => ({
    uniqueOpts: { byArgs: [path], byState: ['available'] satisfies JobState[] },
  });
  const raw = (text: string) => jobArgs('raw', rawJson(text));

  test('the last of a repeated key counts, one after the other and in a batch', async () => {
    const twice = InsertManyParams.of(raw('{"a":1,"a":2}'), opts('a'));
    const results = await client.river.insertMany([
      twice,
      InsertManyParams.of(jobArgs('raw', { a: 2 }), opts('a')),
      InsertManyParams.of(raw('{"a":1,"a":3}'), opts('a')),
    ]);
    expect(results.map((r) => r.uniqueSkippedAsDuplicated)).toEqual([false, true, false]);
    const again = await client.river.insert(jobArgs('raw', { a: 2 }), opts('a'));
    expect(again.uniqueSkippedAsDuplicated).toBe(true);
  });

  test('a place in an array is compared, and has one spelling', async () => {
    const results = await client.river.insertMany([
      InsertManyParams.of(jobArgs('raw', { items: [1] }), opts('items', '0')),
      InsertManyParams.of(jobArgs('raw', { items: [2] }), opts('items', '0')),
      InsertManyParams.of(jobArgs('raw', { items: [1] }), opts('items', '0')),
    ]);
    expect(results.map((r) => r.uniqueSkippedAsDuplicated)).toEqual([false, false, true]);
    for (const place of ['-1', '00', '+0', ' 0']) {
      const insert = client.river.insert(jobArgs('raw', { items: [1] }), opts('items', place));
      await expect(insert).rejects.toMatchObject({ code: 'RIVER_INVALID_UNIQUE_OPTS' });
    }
  });
});

describe('isolation levels', () => {
  test.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    '%s is refused before the lock, and the transaction stays usable',
    async (isolation) => {
      await client.transaction.run({ isolation }, async () => {
        const refusal: unknown = await client.river
          .insert(new ReindexArgs('a'))
          .catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(RiverTransactionError);
        expect(refusal).toMatchObject({
          code: 'RIVER_ISOLATION_LEVEL',
          field: 'uniqueOpts.byState',
        });
        const locks = await queryAll(
          client.database,
          `select from pg_locks where locktype = 'advisory'`,
        );
        expect(locks).toEqual([]);
        await client.river.insert(jobArgs('plain', {}));
      });
      expect(await countJobs(client.database)).toBe(1);
    },
  );

  test('a session that defaults to REPEATABLE READ does not matter outside a transaction', async () => {
    const strict = await startClient({
      database: client.database,
      dataSource: { extra: { options: '-c default_transaction_isolation=repeatable\\ read' } },
    });
    await strict.river.insert(new ReindexArgs('a'));
    await strict.stop();
    expect(await countJobs(client.database)).toBe(1);
  });
});

describe('advisoryLockPrefix', () => {
  test('stands in the upper half of the number', async () => {
    const prefixed = await startClient({
      database: client.database,
      river: { advisoryLockPrefix: 4_000_000_000 },
    });
    const other = await connect(client.database);
    await other.query('begin');
    await prefixed.river.insertTx(other, new ReindexArgs('a'));
    const locks = await queryAll(
      client.database,
      `select classid::bigint::text as upper from pg_locks where locktype = 'advisory'`,
    );
    expect(locks).toEqual([{ upper: '4000000000' }]);
    await other.query('rollback');
    await other.end();
    await prefixed.stop();
  });
});

function pause(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('still waiting'), ms));
}
