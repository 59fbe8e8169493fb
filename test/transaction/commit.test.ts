import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CommitOutcomeUnknownError,
  TransactionRolledBackError,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import type { StartedClient } from '../client/started-client.js';
import { askCommitOutcome } from '../../lib/transaction/engine/commit-outcome.js';
import { openCommitProxy, type CommitProxy } from './commit-proxy.mjs';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

let direct: StartedClient;
let proxy: CommitProxy;
let shop: StartedClient;
let transaction: RiverTransaction;
let river: RiverClient;
const hookErrors: unknown[] = [];
beforeAll(async () => {
  direct = await startShop({ max: 2 });
  proxy = await openCommitProxy(direct.database.url);
  shop = await startShop({
    max: 2,
    database: { ...direct.database, url: proxy.url },
    river: { onHookError: (error) => hookErrors.push(error) },
  });
  ({ transaction, river } = shop);
});
afterEach(async () => {
  hookErrors.length = 0;
  await forget(direct.database);
});
afterAll(async () => {
  await shop.stop();
  await proxy.close();
  await direct.stop();
});

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );

/** Loses the connection at the COMMIT of `work`. */
async function lose(
  when: 'before' | 'after',
  work: () => Promise<unknown>,
): Promise<CommitOutcomeUnknownError> {
  proxy.cutNext(when);
  const error = await failure(work());
  expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
  return error as CommitOutcomeUnknownError;
}

describe('a connection lost at COMMIT', () => {
  test.each([
    ['before', 'rolled back', NOTHING],
    ['after', 'committed', { orders: ['book'], jobs: 1 }],
  ] as const)('%s the server had it: resolve() says %s', async (when, outcome, truth) => {
    const error = await lose(when, () =>
      transaction.run(async (manager) => {
        await manager.insert(OrderEntity, { item: 'book' });
        await river.insert(new SendReceipt('book'));
      }),
    );
    expect(error).toMatchObject({
      code: 'RIVER_COMMIT_OUTCOME_UNKNOWN',
      cause: expect.any(Error) as unknown,
    });
    expect(await error.resolve()).toBe(outcome);
    expect(await stored(direct.database)).toEqual(truth);
    await transaction.run(() => river.insert(new SendReceipt('the next one works')));
  });

  test('fifty times: resolve() never says what is not true', async () => {
    for (let round = 0; round < 50; round++) {
      const when = round % 2 === 0 ? 'before' : 'after';
      const error = await lose(when, () =>
        transaction.run(() => river.insert(new SendReceipt(`${round}`))),
      );
      const jobs = await queryAll(
        direct.database,
        `select from river_job where args->>'item' = $1`,
        [`${round}`],
      );
      const truth = jobs.length === 1 ? 'committed' : 'rolled back';
      expect([round, await error.resolve()]).toEqual([round, truth]);
    }
  });

  test('without an insert of ours is unknown, and known with trackOutcome', async () => {
    for (const [when, outcome] of [
      ['before', 'rolled back'],
      ['after', 'committed'],
    ] as const) {
      for (const trackOutcome of [false, true]) {
        const error = await lose(when, () =>
          transaction.run({ trackOutcome }, (manager) =>
            manager.insert(OrderEntity, { item: `${when} ${trackOutcome}` }),
          ),
        );
        expect(await error.resolve()).toBe(trackOutcome ? outcome : 'unknown');
      }
    }
    const { orders } = await stored(direct.database);
    expect(orders).toEqual(['after false', 'after true']);
  });

  test('with trackOutcome and nothing written is unknown', async () => {
    const error = await lose('after', () =>
      transaction.run({ trackOutcome: true }, (manager) => manager.query('select 1')),
    );
    expect(await error.resolve()).toBe('unknown');
  });

  test('runs neither afterCommit nor afterRollback hooks, since either may be false', async () => {
    for (const when of ['before', 'after'] as const) {
      const ran: string[] = [];
      await lose(when, () =>
        transaction.run(async () => {
          transaction.afterCommit(() => ran.push('commit'));
          transaction.afterRollback(() => ran.push('rollback'));
          await river.insert(new SendReceipt(when));
        }),
      );
      expect(ran).toEqual([]);
    }
  });

  test('is not tried again by retries', async () => {
    let runs = 0;
    await lose('after', () =>
      transaction.run({ retries: 5 }, async () => {
        runs++;
        await river.insert(new SendReceipt('once'));
      }),
    );
    expect(runs).toBe(1);
    expect(await stored(direct.database)).toMatchObject({ jobs: 1 });
  });
});

describe('what became of a transaction', () => {
  const ask = (xid: string) =>
    askCommitOutcome(direct.dataSource, { xid, openAt: performance.now() });
  const nextId = async (): Promise<bigint> => {
    const [row] = await queryAll<{ id: string }>(
      direct.database,
      'select pg_snapshot_xmax(pg_current_snapshot())::text as id',
    );
    return BigInt(row?.id ?? 0);
  };

  test('is unknown of an id that the server has not given out, as after a failover', async () => {
    const future = (await nextId()) + 1_000_000n;
    expect(await ask(`${future}`)).toBe('unknown');
  });

  test('is unknown of an id that the server has forgotten', async () => {
    expect(await ask('3')).toMatch(/unknown|committed/);
  });

  test('is asked again while it is in progress', async () => {
    const runner = direct.dataSource.createQueryRunner();
    await runner.startTransaction();
    try {
      const answer: unknown = await runner.query('select pg_current_xact_id()::text as id');
      const [{ id } = { id: '' }] = answer as { id: string }[];
      const asked = ask(id);
      await new Promise((resolve) => setTimeout(resolve, 250));
      await runner.commitTransaction();
      expect(await asked).toBe('committed');
    } finally {
      await runner.release();
    }
  });

  test('is unknown when it is in progress for too long', async () => {
    const runner = direct.dataSource.createQueryRunner();
    await runner.startTransaction();
    try {
      const answer: unknown = await runner.query('select pg_current_xact_id()::text as id');
      const [{ id } = { id: '' }] = answer as { id: string }[];
      expect(await ask(id)).toBe('unknown');
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  });
});

describe('COMMIT', () => {
  test('that is answered with ROLLBACK is an error with the first failure as its cause', async () => {
    const failures: unknown[] = [];
    const attempt = transaction.run(async (manager) => {
      await river.insert(new SendReceipt('book'));
      for (const sql of ['select 1/0', 'select no_such_column', 'select 1']) {
        await manager.query(sql).catch((error: unknown) => failures.push(error));
      }
    });
    const error = await failure(attempt);
    expect(error).toBeInstanceOf(TransactionRolledBackError);
    expect((error as Error).cause).toBe(failures[0]);
    expect(await stored(direct.database)).toEqual(NOTHING);
  });

  test.each(['unique', 'trigger'])('that fails by a deferred %s passes it on', async (kind) => {
    if (kind === 'trigger') {
      await queryAll(
        direct.database,
        `create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
         create constraint trigger late after insert on orders deferrable initially deferred
           for each row execute function refuse()`,
      );
    }
    const rolledBack: string[] = [];
    const attempt = transaction.run(async (manager) => {
      transaction.afterRollback(() => rolledBack.push('told'));
      await river.insert(new SendReceipt('book'));
      await manager.query(`insert into orders (item, deferred) values ('a', 1), ('b', 1)`);
    });
    expect(await failure(attempt)).toMatchObject({
      sqlState: kind === 'unique' ? '23505' : 'P0001',
    });
    expect(rolledBack).toEqual(['told']);
    expect(await stored(direct.database)).toEqual(NOTHING);
    if (kind === 'trigger') await queryAll(direct.database, 'drop function refuse cascade');
  });

  test.each(['afterTransactionCommit', 'afterQuery'] as const)(
    'that succeeded stays a success when a subscriber throws in %s',
    async (moment) => {
      const { subscribers } = shop.dataSource;
      const others = [...subscribers];
      subscribers.push({
        [moment]: (event: { query?: string }) => {
          if (moment === 'afterTransactionCommit' || event.query === 'COMMIT') {
            throw new Error(`thrown by ${moment}`);
          }
        },
      });
      try {
        const told = await transaction.run(async () => {
          await river.insert(new SendReceipt('book'));
          return 'stored';
        });
        expect(told).toBe('stored');
      } finally {
        subscribers.splice(0, subscribers.length, ...others);
      }
      expect(await stored(direct.database)).toMatchObject({ jobs: 1 });
      expect(hookErrors).toHaveLength(moment === 'afterTransactionCommit' ? 1 : 0);
    },
  );

  test('that succeeded stays a success when a subscriber queries after it, in vain', async () => {
    const { subscribers } = shop.dataSource;
    const others = [...subscribers];
    const answers: unknown[] = [];
    subscribers.push({
      async afterTransactionCommit({ queryRunner }) {
        answers.push(await queryRunner.query('select 1 as one'));
        await queryRunner.query('select 1/0');
      },
    });
    try {
      await transaction.run(() => river.insert(new SendReceipt('book')));
    } finally {
      subscribers.splice(0, subscribers.length, ...others);
    }
    expect(answers).toEqual([[{ one: 1 }]]);
    expect(hookErrors).toMatchObject([{ driverError: { code: '22012' } }]);
    expect(await stored(direct.database)).toMatchObject({ jobs: 1 });
  });
});
