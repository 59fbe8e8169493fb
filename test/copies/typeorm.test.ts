import { Module } from '@nestjs/common';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobArgs, RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import type { DataSource } from 'typeorm';
import { createShopDatabase } from '../http/shop-app.js';
import { configurationError, silence, withApplication } from '../module/applications.js';
import { OrderEntity } from '../transaction/orders.js';
import { installTypeorm } from './installed-copy.js';

type Copy = Awaited<ReturnType<typeof installTypeorm>>;

let copy: Copy;
let shop: Awaited<ReturnType<typeof createShopDatabase>>;
let dataSource: DataSource;
beforeAll(async () => {
  silence();
  copy = await installTypeorm();
  shop = await createShopDatabase();
  dataSource = new copy.typeorm.DataSource({
    type: 'postgres',
    url: shop.url,
    entities: [OrderEntity],
  });
  await dataSource.initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await shop.dataSource.destroy();
  await copy.remove();
});

test('a data source of another copy of typeorm is joined and followed as one of our own', async () => {
  await withApplication([RiverModule.forRoot({ dataSource })], async (app) => {
    const [river, transaction] = [app.get(RiverClient), app.get(RiverTransaction)];
    const orders = dataSource.getRepository(OrderEntity);
    await transaction.run(async () => {
      await orders.save({ item: 'book' });
      await river.insert(jobArgs('job', {}));
    });
    expect(await shop.stored()).toEqual({ orders: ['book'], jobs: 1 });
    // Nobody awaits the call, so its failure fails the transaction, and is not an unhandled rejection.
    const failing = transaction.run(async () => {
      await orders.save({ item: 'pen' });
      void orders.findOneByOrFail({ item: 'no such item' });
    });
    await expect(failing).rejects.toThrow(/no such item/);
    expect(await shop.stored()).toEqual({ orders: ['book'], jobs: 1 });
  });
});

test('a data source under the class of another copy is not found, and the error says why', async () => {
  @Module({})
  class DataSourceModule {}
  const provider = { provide: copy.typeorm.DataSource, useValue: dataSource };
  const provided = {
    module: DataSourceModule,
    global: true,
    providers: [provider],
    exports: [provider],
  };
  const error = await configurationError([provided, RiverModule.forRoot()]);
  expect(error.code).toBe('RIVER_DATA_SOURCE_MISSING');
  expect(error.message).toContain('npm ls typeorm');
});
