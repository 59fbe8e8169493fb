import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  getRiverClientToken,
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  ShuttingDownError,
} from 'nestjs-river';
import { connect, createDataSource } from '../support/index.js';
import { countJobs, type StartedClient } from '../client/started-client.js';
import { endJobs } from '../client/waiting-jobs.js';
import { start } from '../module/applications.js';
import { forget, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

const COOLDOWN_MS = 60_000;

let shop: StartedClient;
beforeAll(async () => {
  shop = await startShop({ river: { notify: { cooldownMs: COOLDOWN_MS } } });
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

/** What the parts of a client that need the data source answer, each by itself. */
const CALLS: Readonly<Record<string, () => Promise<unknown>>> = {
  insert: () => shop.river.insert(new SendReceipt('insert')),
  'insert that shares its statement': () =>
    Promise.all([1, 2, 3].map(() => shop.river.insert(new SendReceipt('shared')))),
  insertMany: () => shop.river.insertMany([new SendReceipt('many')]),
  insertManyFast: () => shop.river.insertManyFast([new SendReceipt('fast')]),
  queueList: () => shop.river.queueList(),
  'transaction.run': () => buy('run'),
  'dataSource.transaction': () =>
    shop.dataSource.transaction((manager) => manager.insert(OrderEntity, { item: 'typeorm' })),
};

async function buy(item: string): Promise<void> {
  await shop.transaction.run(async () => {
    await shop.dataSource.getRepository(OrderEntity).save({ item });
    await shop.river.insert(new SendReceipt(item));
  });
}

describe('dataSource.destroy() and initialize()', () => {
  test.each(Object.keys(CALLS))(
    '%s works again after each of three cycles, and fails clearly in between',
    async (name) => {
      const call = CALLS[name] as () => Promise<unknown>;
      await call();
      for (let cycle = 0; cycle < 3; cycle++) {
        await forget(shop.database);
        await shop.dataSource.destroy();
        if (name !== 'dataSource.transaction')
          await expect(call()).rejects.toMatchObject({
            code: 'RIVER_SHUTTING_DOWN',
            message: expect.stringContaining('dataSource.initialize()'),
          });
        await shop.dataSource.initialize();
        await call();
      }
    },
  );

  test('repositories still join the transactions opened after it', async () => {
    await shop.dataSource.destroy();
    await shop.dataSource.initialize();
    const rolledBack = shop.transaction.run(async () => {
      await shop.dataSource.getRepository(OrderEntity).save({ item: 'undone' });
      await shop.river.insert(new SendReceipt('undone'));
      throw new RangeError('on purpose');
    });
    await expect(rolledBack).rejects.toBeInstanceOf(RangeError);
    await buy('kept');
    expect(await stored(shop.database)).toEqual({ orders: ['kept'], jobs: 1 });
  });

  test('a transaction under way is waited for, and what is new meanwhile is rejected', async () => {
    const { underWay, goOn } = await begin(shop.transaction, async () => {
      await shop.dataSource.getRepository(OrderEntity).save({ item: 'under way' });
      await shop.river.insert(new SendReceipt('under way'));
    });
    const destroyed = shop.dataSource.destroy();
    await expect(shop.river.insert(new SendReceipt('new'))).rejects.toBeInstanceOf(
      ShuttingDownError,
    );
    goOn();
    await Promise.all([underWay, destroyed]);
    await shop.dataSource.initialize();
    expect(await stored(shop.database)).toEqual({ orders: ['under way'], jobs: 1 });
  });

  test('a wait under way is rejected at once, and one that begins afterwards ends', async () => {
    const { job } = await shop.river.insert(new SendReceipt('waited for'));
    const wait = shop.river.waitFor(job).catch((error: unknown) => error);
    await shop.dataSource.destroy();
    expect(await wait).toMatchObject({
      code: 'RIVER_SHUTTING_DOWN',
      message: expect.stringContaining('dataSource.initialize()'),
    });
    await shop.dataSource.initialize();
    const again = shop.river.waitFor(job);
    await endJobs(shop.database, [job.id], { state: 'completed', output: 'done' });
    expect((await again).output).toBe('done');
  });

  test('workers hear of jobs inserted before it, and of jobs inserted after it', async () => {
    const listener = await connect(shop.database);
    try {
      await listener.query('LISTEN "public.river_insert"');
      let heard = 0;
      const heardTwice = new Promise<void>((resolve) => {
        listener.on('notification', () => ++heard === 2 && resolve());
      });
      // The second insert falls into the cooldown of the first, so its notification is pending.
      await shop.river.insert(jobArgs('first', {}), { queue: 'restart' });
      await shop.river.insert(jobArgs('second', {}), { queue: 'restart' });
      await shop.dataSource.destroy();
      await heardTwice;
      await shop.dataSource.initialize();
      const [, third] = await Promise.all([
        shop.river.insert(jobArgs('third', {}), { queue: 'another' }),
        once(listener, 'notification'),
      ]);
      expect(third).toMatchObject([{ payload: expect.stringContaining('another') }]);
    } finally {
      await listener.end();
    }
  });

  test('a data source that could not be initialized again is still reported as destroyed', async () => {
    const options = shop.dataSource.options as { url: string };
    const { url } = options;
    await shop.dataSource.destroy();
    options.url = 'postgres://nobody@127.0.0.1:1/nothing';
    try {
      await expect(shop.dataSource.initialize()).rejects.toThrow(/ECONNREFUSED/);
      await expect(shop.river.insert(new SendReceipt('none'))).rejects.toMatchObject({
        code: 'RIVER_SHUTTING_DOWN',
      });
    } finally {
      options.url = url;
      await shop.dataSource.initialize();
    }
    await shop.river.insert(new SendReceipt('again'));
  });
});

test('two clients on one data source both work again', async () => {
  const dataSource = await createDataSource(shop.database);
  const app = await start([
    RiverModule.forRoot({ dataSource }),
    RiverModule.forRoot({ name: 'billing', dataSource }),
  ]);
  const clients = [getRiverClientToken(), getRiverClientToken('billing')].map((token) =>
    app.get<RiverClient>(token),
  );
  try {
    for (let cycle = 0; cycle < 2; cycle++) {
      for (const river of clients) await river.insert(jobArgs('before', {}));
      await dataSource.destroy();
      for (const river of clients)
        await expect(river.insert(jobArgs('between', {}))).rejects.toBeInstanceOf(
          ShuttingDownError,
        );
      await dataSource.initialize();
      for (const river of clients) await river.insert(jobArgs('after', {}));
    }
    expect(await countJobs(shop.database, `kind = 'after'`)).toBe(4);
  } finally {
    await app.close();
    await dataSource.destroy();
  }
});

test('an application that has shut down stays so, whatever becomes of its data source', async () => {
  const dataSource = await createDataSource(shop.database);
  const app = await start([RiverModule.forRoot({ dataSource })]);
  const river = app.get<RiverClient>(getRiverClientToken());
  await app.close();
  await dataSource.destroy();
  await dataSource.initialize();
  await expect(river.insert(jobArgs('late', {}))).rejects.toMatchObject({
    message: expect.stringContaining('application is shutting down'),
  });
  await dataSource.destroy();
});

test('two applications on one data source: the first to end does not undo what the other one needs', async () => {
  const dataSource = await createDataSource(shop.database, { entities: [OrderEntity] });
  const first = await start([RiverModule.forRoot({ dataSource })]);
  const second = await start([RiverModule.forRoot({ dataSource })]);
  const transaction = second.get(RiverTransaction);
  try {
    await first.close();
    const rolledBack = transaction.run(async () => {
      await dataSource.getRepository(OrderEntity).save({ item: 'undone' });
      await second.get(RiverClient).insert(new SendReceipt('undone'));
      throw new RangeError('on purpose');
    });
    await expect(rolledBack).rejects.toBeInstanceOf(RangeError);
    expect(await stored(shop.database)).toEqual({ orders: [], jobs: 0 });

    const { underWay, goOn } = await begin(transaction, () =>
      dataSource.getRepository(OrderEntity).save({ item: 'waited for' }),
    );
    const destroyed = dataSource.destroy();
    goOn();
    await Promise.all([underWay, destroyed]);
    expect(await stored(shop.database)).toEqual({ orders: ['waited for'], jobs: 0 });
  } finally {
    await second.close();
  }
});

/** A transaction that has begun, and does its work when it may go on. */
async function begin(
  transaction: RiverTransaction,
  work: () => Promise<unknown>,
): Promise<{ readonly underWay: Promise<unknown>; readonly goOn: () => void }> {
  return await new Promise((resolve, reject) => {
    const underWay = transaction.run(async () => {
      await new Promise<void>((goOn) => resolve({ underWay, goOn }));
      return await work();
    });
    underWay.catch(reject);
  });
}
