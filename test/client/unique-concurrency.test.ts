import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Client } from 'pg';
import type { EntityManager } from 'typeorm';
import { JobArgs, type JobInsertResult, type RiverClient } from 'nestjs-river';
import { randomOf } from '../chaos/random.mjs';
import { connect, queryAll } from '../support/index.js';
import { INTEROP_SEED } from '../support/run-size.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class UniqueArgs {
  constructor(readonly value: string | number) {}
}

const CONNECTIONS = 16;

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({
    dataSource: { max: CONNECTIONS, extra: { options: '-c deadlock_timeout=50' } },
  });
  river = client.river;
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'delete from river_job'));

type Flagged = Pick<JobInsertResult, 'uniqueSkippedAsDuplicated'>;

const stored = (results: readonly Flagged[]): Flagged[] =>
  results.filter(({ uniqueSkippedAsDuplicated }) => !uniqueSkippedAsDuplicated);

describe('inserts of one key from many connections', () => {
  test('store one row, and all answer it', async () => {
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all(
        Array.from({ length: CONNECTIONS * 2 }, () => river.insert(new UniqueArgs(round))),
      );
      expect(stored(results)).toHaveLength(1);
      expect(new Set(results.map(({ job }) => job.id)).size).toBe(1);
    }
    expect(await countJobs(client.database)).toBe(10);
  });

  test('store one row when each is in a transaction', async () => {
    const results = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        client.transaction.run(() => river.insert(new UniqueArgs('a'))),
      ),
    );
    expect(stored(results)).toHaveLength(1);
    expect(await countJobs(client.database)).toBe(1);
  });

  test('store one row when all but one of the transactions are rolled back', async () => {
    const attempts = Array.from({ length: CONNECTIONS }, (_, index) =>
      client.transaction.run(async () => {
        const result = await river.insert(new UniqueArgs('a'));
        if (index % 2 === 0) throw new Error('rolled back');
        return result;
      }),
    );
    const kept = (await Promise.allSettled(attempts)).flatMap((settled) =>
      settled.status === 'fulfilled' ? [settled.value] : [],
    );
    expect(kept).toHaveLength(CONNECTIONS / 2);
    expect(stored(kept)).toHaveLength(1);
    expect(await countJobs(client.database)).toBe(1);
  });
});

describe('batches that overlap', () => {
  const keys = Array.from({ length: 40 }, (_, value) => value);
  const random = randomOf(INTEROP_SEED, 0);
  const shuffled = (): number[] =>
    keys
      .map((key) => ({ key, at: random.upTo(2 ** 30) }))
      .sort((a, b) => a.at - b.at)
      .map(({ key }) => key);

  test('in opposite order do not deadlock', async () => {
    for (let round = 0; round < 25; round++) {
      const batch = (values: readonly number[]) =>
        river.insertMany(values.map((value) => new UniqueArgs(`${round} ${value}`)));
      const results = await Promise.all([
        batch(keys),
        batch([...keys].reverse()),
        batch(shuffled()),
        batch(shuffled()),
      ]);
      expect(stored(results.flat())).toHaveLength(keys.length);
    }
    expect(await countJobs(client.database)).toBe(25 * keys.length);
  });

  test('answer each job by the row that is stored, whoever stored it', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        river.insertMany(shuffled().map((value) => new UniqueArgs(value))),
      ),
    );
    const byValue = new Map<unknown, Set<string>>();
    for (const { job } of results.flat()) {
      const ids = byValue.get(job.args.value) ?? new Set();
      byValue.set(job.args.value, ids.add(job.id));
    }
    expect([...byValue.values()].every((ids) => ids.size === 1)).toBe(true);
    expect(byValue.size).toBe(keys.length);
  });
});

describe('while another transaction holds the key', () => {
  let holder: Client;
  beforeEach(async () => {
    holder = await connect(client.database);
    await holder.query('begin');
  });

  /** Inserts in the holder's transaction, and elsewhere, where it has to wait. */
  async function collide(end: 'commit' | 'rollback') {
    try {
      const first = await river.insertTx(holder, new UniqueArgs('held'));
      let isAnswered = false;
      const waiting = river.insert(new UniqueArgs('held')).finally(() => (isAnswered = true));
      await untilWaiting();
      expect(isAnswered).toBe(false);
      await holder.query(end);
      return { first, second: await waiting };
    } finally {
      await holder.end();
    }
  }

  /** Asks the server until an insert waits for a transaction to end. */
  async function untilWaiting(): Promise<void> {
    const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await queryAll(client.database, waits)).length === 0);
  }

  test('an insert waits, and is a duplicate after the commit', async () => {
    const { first, second } = await collide('commit');
    expect(second).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
    expect(await countJobs(client.database)).toBe(1);
  });

  test('an insert waits, and is stored after the rollback', async () => {
    const { first, second } = await collide('rollback');
    expect(second.uniqueSkippedAsDuplicated).toBe(false);
    expect(second.job.id).not.toBe(first.job.id);
    expect(await countJobs(client.database)).toBe(1);
  });

  test('inserts of other keys do not wait', async () => {
    try {
      await river.insertTx(holder, new UniqueArgs('held'));
      const { uniqueSkippedAsDuplicated } = await river.insert(new UniqueArgs('free'));
      expect(uniqueSkippedAsDuplicated).toBe(false);
      await holder.query('rollback');
    } finally {
      await holder.end();
    }
  });
});

describe.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)('in %s', (isolation) => {
  const inSnapshot = (work: (manager: EntityManager) => Promise<unknown>) =>
    client.dataSource.transaction(isolation, async (manager) => {
      await manager.query('select count(*) from river_job');
      return await work(manager);
    });

  test('a duplicate that the snapshot sees is skipped', async () => {
    const { job } = await river.insert(new UniqueArgs('a'));
    const again = await inSnapshot((manager) => river.insertTx(manager, new UniqueArgs('a')));
    expect(again).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: job.id } });
  });

  test('one that it cannot see is a serialization failure, worth another try', async () => {
    const attempt = inSnapshot(async (manager) => {
      await client.transaction.outside(() => river.insert(new UniqueArgs('a')));
      await river.insertTx(manager, new UniqueArgs('a'));
    });
    await expect(attempt).rejects.toMatchObject({
      name: 'DatabaseError',
      sqlState: '40001',
      retryable: true,
    });
    expect(await countJobs(client.database)).toBe(1);
  });

  test('a batch with its own repeated keys is stored', async () => {
    await inSnapshot((manager) =>
      river.insertManyTx(manager, [new UniqueArgs('a'), new UniqueArgs('a'), new UniqueArgs('b')]),
    );
    expect(await countJobs(client.database)).toBe(2);
  });
});
