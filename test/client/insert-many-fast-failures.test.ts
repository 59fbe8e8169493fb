import { getEventListeners } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  DatabaseError,
  InsertAbortedError,
  InsertItemsError,
  jobArgs,
  type RiverClient,
} from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const MODES = ['fail', 'skip'] as const;
const WHOLE = 20_000;

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({ dataSource: { max: 1 } });
  river = client.river;
});
afterEach(async () => {
  await queryAll(client.database, 'truncate river_job');
});
afterAll(() => client.stop());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The number when it has stopped growing: above 100, and the same for half a second. */
async function atRest(count: () => number): Promise<number> {
  for (let last = -1; last !== count() || last <= 100; await pause(500)) last = count();
  return count();
}
const job = (id: number): object => jobArgs('plain', { id });

/** Items that take note of what is done with them. */
class Items {
  read = 0;
  isClosed = false;
  /** Called before each item is handed out. */
  constructor(private readonly before: (index: number) => unknown = () => undefined) {}

  *now(): Generator<object> {
    try {
      for (; this.read < WHOLE; this.read++) {
        this.before(this.read);
        yield job(this.read);
      }
    } finally {
      this.isClosed = true;
    }
  }

  async *later(): AsyncGenerator<object> {
    try {
      for (; this.read < WHOLE; this.read++) {
        await this.before(this.read);
        yield job(this.read);
      }
    } finally {
      this.isClosed = true;
    }
  }
}

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

const backend = async (): Promise<unknown> => {
  const [row] = await client.dataSource.query<{ pid: number }[]>('select pg_backend_pid() as pid');
  return row?.pid;
};

/** Nothing is stored, and the only connection of the pool is there for the next. */
async function expectNothing(before?: unknown): Promise<void> {
  expect(await countJobs(client.database)).toBe(0);
  const after = await backend();
  if (before !== undefined) expect(after).toBe(before);
  const idle = `select count(*)::int as busy from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()`;
  expect(await queryAll(client.database, idle)).toEqual([{ busy: 0 }]);
}

describe('items that cannot be read', () => {
  const thrown = new Error('the file ends here');
  const stop = (at: number) => (index: number) => {
    if (index === at) throw thrown;
  };

  describe.each(MODES)('onConflict %s', (onConflict) => {
    test.each([
      ['at the first', 0],
      ['in the middle', 15_000],
    ])('%s: nothing is inserted, their error is the cause', async (_where, index) => {
      const before = await backend();
      const [sync, async] = [new Items(stop(index)), new Items(stop(index))];
      for (const items of [sync.now(), async.later()]) {
        const error = await failure(river.insertManyFast(items, { onConflict }));
        expect(error).toBeInstanceOf(InsertItemsError);
        expect(error).toMatchObject({ code: 'RIVER_ITEMS_FAILED', index, field: 'jobs' });
        expect((error as Error).cause).toBe(thrown);
        await expectNothing(before);
      }
    });

    test('a refused job closes them, a good end does not', async () => {
      const items = new Items();
      const bad = jobArgs('bad', { id: Number.NaN });
      const withBad = (function* () {
        for (const each of items.now()) yield items.read === 10_000 ? bad : each;
      })();
      await failure(river.insertManyFast(withBad, { onConflict }));
      expect(items.isClosed).toBe(true);
      await expectNothing();
    });
  });

  test.each<[string, object]>([
    ['an iterator that cannot be made', { [Symbol.iterator]: () => stop(1)(1) }],
    ['an iterator that is none', { [Symbol.iterator]: () => 3 }],
    ['answers that are none', { [Symbol.iterator]: () => ({ next: () => undefined }) }],
    ['a promise of no answer', { [Symbol.asyncIterator]: () => ({ next: async () => null }) }],
  ])('%s', async (_what, items) => {
    const error = await failure(river.insertManyFast(items as Iterable<object>));
    expect(error).toMatchObject({ code: 'RIVER_ITEMS_FAILED', index: 0 });
    await expectNothing();
  });

  test('an error while they are closed does not hide why', async () => {
    const items = {
      *[Symbol.iterator]() {
        try {
          yield jobArgs('bad', { id: Number.NaN });
        } finally {
          throw new Error('another one');
        }
      },
    };
    expect(await failure(river.insertManyFast(items))).toMatchObject({
      index: 0,
      field: 'args.id',
    });
  });
});

describe('an abort', () => {
  const aborted = { name: 'InsertAbortedError', code: 'RIVER_ABORTED', cause: 'stop' };

  test('before the call: no item is read', async () => {
    const items = new Items();
    const error = await failure(
      river.insertManyFast(items.now(), { signal: AbortSignal.abort('stop') }),
    );
    expect(error).toMatchObject(aborted);
    expect(items.read).toBe(0);
    await expectNothing();
  });

  test.each(MODES)('in the middle of items that are there: %s', async (onConflict) => {
    const before = await backend();
    const abort = new AbortController();
    const items = new Items((index) => index === 10_000 && abort.abort('stop'));
    const error = await failure(
      river.insertManyFast(items.now(), { onConflict, signal: abort.signal }),
    );
    expect(error).toBeInstanceOf(InsertAbortedError);
    expect(error).toMatchObject(aborted);
    expect(items.isClosed).toBe(true);
    expect(items.read).toBeLessThan(WHOLE);
    await expectNothing(before);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  test.each(MODES)('while the next item does not come: %s', async (onConflict) => {
    const before = await backend();
    const abort = new AbortController();
    let arrive = (): void => undefined;
    const items = new Items((index) => {
      if (index !== 10_000) return undefined;
      setTimeout(() => abort.abort('stop'), 50);
      return new Promise<void>((resolve) => (arrive = resolve));
    });
    const error = await failure(
      river.insertManyFast(items.later(), { onConflict, signal: abort.signal }),
    );
    expect(error).toMatchObject(aborted);
    await expectNothing(before);
    // They are closed as soon as they can be.
    expect(items.isClosed).toBe(false);
    arrive();
    await pause(10);
    expect(items).toMatchObject({ isClosed: true, read: 10_000 });
  });

  test('while another has the connection: at once', async () => {
    const queryRunner = client.dataSource.createQueryRunner();
    await queryRunner.connect();
    const abort = new AbortController();
    const items = new Items();
    const inserted = failure(river.insertManyFast(items.now(), { signal: abort.signal }));
    await pause(50);
    abort.abort('stop');
    expect(await inserted).toMatchObject(aborted);
    await queryRunner.release();
    await expectNothing();
    expect(items.read).toBe(0);
  });

  test('while the server waits for a lock: the connection is dropped', async () => {
    const holder = await connect(client.database);
    try {
      await holder.query('begin; lock table river_job in access exclusive mode');
      const abort = new AbortController();
      const items = new Items();
      const inserted = failure(river.insertManyFast(items.now(), { signal: abort.signal }));
      await pause(200);
      abort.abort('stop');
      expect(await inserted).toMatchObject(aborted);
      // Read ahead are no more than what fills a chunk.
      expect(items.read).toBeLessThan(2_000);
      await holder.query('rollback');
      await river.insertManyFast([]);
      await backend();
    } finally {
      await holder.end();
    }
    expect(await countJobs(client.database)).toBe(0);
  });

  test('after the call changes nothing', async () => {
    const abort = new AbortController();
    await river.insertManyFast([job(1)], { signal: abort.signal });
    abort.abort();
    expect(await countJobs(client.database)).toBe(1);
  });
});

describe('a connection that dies', () => {
  const terminate = (): Promise<unknown> =>
    queryAll(
      client.database,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and query like 'COPY %' and pid <> pg_backend_pid()`,
    );

  test.each(MODES)(
    'in the middle: nothing is inserted, one error tells, %s',
    async (onConflict) => {
      const before = await backend();
      const items = new Items(async (index) => {
        if (index === 10_000) await terminate();
      });
      const error = await failure(river.insertManyFast(items.later(), { onConflict }));
      expect(error).toBeInstanceOf(DatabaseError);
      expect(error).toMatchObject({ code: 'RIVER_DATABASE', retryable: true });
      await expectNothing();
      expect(await backend()).not.toBe(before);
    },
  );

  test('while the next item does not come, does not wait for it', async () => {
    const items = new Items((index) => {
      if (index === 10_000) return terminate().then(() => new Promise(() => undefined));
      return undefined;
    });
    const error = await failure(river.insertManyFast(items.later()));
    expect(error).toMatchObject({ code: 'RIVER_DATABASE', retryable: true });
    await expectNothing();
  });
});

describe('an error of the server', () => {
  beforeAll(() =>
    queryAll(
      client.database,
      `create function refuse() returns trigger language plpgsql as $$
       begin raise exception 'raised for %', new.args using errcode = 'P0001'; end $$;
       create trigger refuse before insert on river_job for each row
       when ((new.args ->> 'id')::int = 300) execute function refuse()`,
    ),
  );
  afterAll(() => queryAll(client.database, 'drop function refuse cascade'));

  test('in the middle of many rows: one error, and the connection stays', async () => {
    const before = await backend();
    for (let round = 0; round < 5; round++) {
      const items = new Items();
      const error = await failure(river.insertManyFast(items.now()));
      expect(error).toMatchObject({ code: 'RIVER_DATABASE', sqlState: 'P0001' });
      expect((error as Error).message).not.toContain('raised for');
      expect(items.isClosed).toBe(true);
    }
    await expectNothing(before);
  });
});

describe('back-pressure', () => {
  test('no more is read from the items than a server takes that has stopped reading', async () => {
    await queryAll(
      client.database,
      `create function dawdle() returns trigger language plpgsql as $$
       begin perform pg_advisory_xact_lock(100); return new; end $$;
       create trigger dawdle before insert on river_job for each row
       when ((new.args ->> 'id')::int = 100) execute function dawdle()`,
    );
    const holder = await connect(client.database);
    let read = 0;
    try {
      await holder.query('select pg_advisory_lock(100)');
      const text = 'x'.repeat(10_000);
      const heavy = (function* () {
        for (; read < 5_000; read++) yield jobArgs('heavy', { id: read, text });
      })();
      const inserting = river.insertManyFast(heavy);
      const readMeanwhile = await atRest(() => read);
      await holder.query('select pg_advisory_unlock(100)');
      expect(await inserting).toEqual({ inserted: 5_000, skipped: 0 });
      // 50 MB in all; what is on its way fills the sockets, and no more.
      expect(readMeanwhile).toBeGreaterThan(100);
      expect(readMeanwhile).toBeLessThan(2_500);
    } finally {
      await holder.end();
      await queryAll(client.database, 'drop function dawdle cascade');
    }
  });

  test('no more than a chunk of items without waiting is read in one turn of the event loop', async () => {
    const text = 'x'.repeat(1_000);
    let most = 0;
    let read = 0;
    let isOver = false;
    const turn = (): void => {
      most = Math.max(most, read);
      read = 0;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const heavy = (function* () {
      for (let id = 0; id < 2_000; id++, read++) yield jobArgs('heavy', { id, text });
    })();
    await river.insertManyFast(heavy);
    isOver = true;
    // Rows of a little more than 1,000 bytes, in chunks of 64 KiB.
    expect(most).toBeGreaterThan(30);
    expect(most).toBeLessThan(70);
  });
});

test('a COPY that exceeds the query_timeout of pg closes its connection', async () => {
  const limited = await startClient({
    database: client.database,
    dataSource: { max: 1, extra: { query_timeout: 300 } },
  });
  try {
    const items = new Items((index) => (index === 10_000 ? pause(600) : undefined));
    const error = await failure(limited.river.insertManyFast(items.later()));
    expect(error).toMatchObject({ code: 'RIVER_DATABASE', sqlState: undefined });
    await limited.river.insertManyFast([job(1)]);
    expect(await countJobs(client.database)).toBe(1);
  } finally {
    await limited.stop();
  }
});

test('a COPY that exceeds the query_timeout of pg in the transaction of a query runner closes its connection', async () => {
  const limited = await startClient({
    database: client.database,
    dataSource: { max: 1, extra: { query_timeout: 300 } },
  });
  try {
    const queryRunner = limited.dataSource.createQueryRunner();
    await queryRunner.startTransaction();
    const items = new Items((index) => (index === 10_000 ? pause(600) : undefined));
    const error = await failure(limited.river.insertManyFastTx(queryRunner, items.later()));
    expect(error).toMatchObject({ code: 'RIVER_DATABASE', sqlState: undefined });
    // As an application may do that knows nothing of the connection's state.
    await queryRunner.release();
    expect(await limited.dataSource.query('select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    await limited.stop();
  }
});
