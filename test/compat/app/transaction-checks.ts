import assert from 'node:assert/strict';
import type { INestApplication } from '@nestjs/common';
import {
  DatabaseError,
  InvalidJobError,
  RiverClient,
  RiverTransaction,
  TransactionRolledBackError,
} from 'nestjs-river';
import { DataSource, type EntityManager } from 'typeorm';
import { check } from './check.js';
import { counter } from './insert-checks.js';
import { Order, SendReceipt, type CreateOrder } from './orders.js';

/** Transactions of requests, of methods and of functions. */
export async function transactionChecks(app: INestApplication): Promise<void> {
  const count = counter(app.get(DataSource));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();

  const post = async (path: string, body: CreateOrder): Promise<[number, unknown]> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return [response.status, await response.json()];
  };
  const stored = async (email: string): Promise<[number, number]> => [
    await count('compat_order', `email = '${email}'`),
    await count('river_job', `args->>'email' = '${email}'`),
  ];

  for (const [what, path] of [
    ['handler', '/orders'],
    ['service method', '/orders/by-service'],
  ] as const) {
    await check(`@RiverTransactional on a ${what} commits the order with its job`, async () => {
      const [status] = await post(path, { email: `${what} kept` });
      assert.equal(status, 201);
      assert.deepEqual(await stored(`${what} kept`), [1, 1]);
    });
    await check(`@RiverTransactional on a ${what} rolls back both`, async () => {
      const [status, answer] = await post(path, { email: `${what} lost`, fail: true });
      assert.equal(status, 409);
      assert.equal((answer as { message: string }).message, 'failed on purpose');
      assert.deepEqual(await stored(`${what} lost`), [0, 0]);
    });
  }

  await check('a job can be the answer of a handler', async () => {
    const answer: unknown = await (await fetch(`${url}/orders/job`)).json();
    const { job } = answer as { job: Record<string, unknown> };
    assert.match(String(job['id']), /^\d+$/);
    assert.deepEqual(job['args'], { orderId: 1, email: 'json' });
  });

  await check(
    'what was not awaited is part of the transaction; a swallowed error fails it',
    async () => {
      const [river, transaction] = [app.get(RiverClient), app.get(RiverTransaction)];
      await transaction.run(() => void river.insert(new SendReceipt(1, 'unawaited')));
      assert.equal(await count('river_job', `args->>'email' = 'unawaited'`), 1);
      const swallowed = transaction.run(async (manager) => {
        await river.insert(new SendReceipt(1, 'swallowed'));
        await manager.query('select 1/0').catch(() => undefined);
      });
      await assert.rejects(swallowed, TransactionRolledBackError);
      assert.equal(await count('river_job', `args->>'email' = 'swallowed'`), 0);
    },
  );

  await check('COMMIT of a transaction of the application waits for its inserts', async () => {
    const [river, dataSource] = [app.get(RiverClient), app.get(DataSource)];
    const place = (priority: number): Promise<void> =>
      dataSource.transaction(async (manager) => {
        await manager.save(Order, { email: 'guarded' });
        void river.insertTx(manager, new SendReceipt(1, 'guarded'), { priority });
      });
    await assert.rejects(place(9), InvalidJobError);
    assert.deepEqual(await stored('guarded'), [0, 0]);
    await place(1);
    assert.deepEqual(await stored('guarded'), [1, 1]);
  });

  await check('a failure that is told is not an unhandled rejection as well', async () => {
    const [river, transaction] = [app.get(RiverClient), app.get(RiverTransaction)];
    const orders = app.get(DataSource).getRepository(Order);
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const bad = { id: 'no number' } as unknown as Order;
    const all: ((manager: EntityManager) => void)[] = [
      () => void river.insert(new SendReceipt(1, 'bad'), { priority: 9 }),
      (manager) => void manager.save(Order, bad),
      (manager) => void manager.getRepository(Order).insert(bad),
      () => void orders.save(bad),
      () => void orders.insert(bad),
    ];
    for (const careless of all) await assert.rejects(transaction.run(careless));
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });

  await check('a backend that ends between two statements is told of, and replaced', async () => {
    const [river, transaction] = [app.get(RiverClient), app.get(RiverTransaction)];
    const own = app.get(DataSource).createQueryRunner();
    const place = (isKilled: boolean): Promise<unknown> =>
      transaction.run(async (manager) => {
        await river.insert(new SendReceipt(1, 'lost'));
        const [row] = await manager.query<{ pid: number }[]>('select pg_backend_pid() as pid');
        if (isKilled) await own.query('select pg_terminate_backend($1, 5000)', [row?.pid]);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await manager.save(Order, { email: 'lost' });
      });
    await assert.rejects(place(true), (error) => error instanceof DatabaseError && error.retryable);
    assert.deepEqual(await stored('lost'), [0, 0]);
    await own.release();
    await place(false);
    assert.deepEqual(await stored('lost'), [1, 1]);
  });

  await check('hooks run after the end, and a savepoint rolls back alone', async () => {
    const [river, transaction] = [app.get(RiverClient), app.get(RiverTransaction)];
    const ends: string[] = [];
    await transaction.run(async () => {
      transaction.afterCommit(() => void ends.push('committed'));
      const nested = transaction.run({ propagation: 'NESTED' }, async () => {
        await river.insert(new SendReceipt(1, 'nested'));
        throw new Error('nested only');
      });
      await assert.rejects(nested, /nested only/);
      await river.insert(new SendReceipt(1, 'around'));
    });
    assert.deepEqual(ends, ['committed']);
    assert.equal(await count('river_job', `args->>'email' = 'nested'`), 0);
    assert.equal(await count('river_job', `args->>'email' = 'around'`), 1);
  });
}
