import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { EntityNotFoundError, type DataSource } from 'typeorm';
import { RiverModule, type RiverClient, type RiverTransaction } from 'nestjs-river';
import type { StartedClient } from '../client/started-client.js';
import { start } from '../module/applications.js';
import { forget, NOTHING, OrderEntity, SendReceipt, startShop, stored } from './orders.js';

// Another client was on the data source, and has ended.
let shop: StartedClient;
let river: RiverClient;
let transaction: RiverTransaction;
let dataSource: DataSource;
beforeAll(async () => {
  shop = await startShop();
  ({ river, transaction, dataSource } = shop);
  const other = await start([RiverModule.forRoot({ name: 'other', dataSource })]);
  await other.close();
});
afterEach(() => forget(shop.database));
afterAll(() => shop.stop());

test('repositories and managers still join when another client of the data source has ended', async () => {
  const rolledBack = transaction.run(async () => {
    await dataSource.getRepository(OrderEntity).save({ item: 'by a repository' });
    await dataSource.manager.insert(OrderEntity, { item: 'by the manager' });
    await dataSource.query(`insert into orders (item) values ('by the data source')`);
    throw new Error('rolled back');
  });
  await expect(rolledBack).rejects.toThrow('rolled back');
  expect(await stored(shop.database)).toEqual(NOTHING);
});

test('a find that nobody awaits still fails the transaction when another client has ended', async () => {
  const attempt = transaction.run(() => {
    void dataSource.getRepository(OrderEntity).findOneByOrFail({ item: 'missing' });
  });
  await expect(attempt).rejects.toThrow(EntityNotFoundError);
});

test('what a subscriber inserts still joins the save when another client has ended', async () => {
  const subscriber = {
    async afterInsert() {
      await river.insert(new SendReceipt('book'));
      throw new Error('refused');
    },
  };
  dataSource.subscribers.push(subscriber);
  try {
    const save = dataSource.getRepository(OrderEntity).save({ item: 'book' });
    await expect(save).rejects.toThrow('refused');
  } finally {
    dataSource.subscribers.splice(dataSource.subscribers.indexOf(subscriber), 1);
  }
  expect(await stored(shop.database)).toEqual(NOTHING);
});
