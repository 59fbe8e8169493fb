import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RiverError, RiverTransaction } from 'nestjs-river';
import { riverMigration } from 'nestjs-river/migrations';
import { OrdersController } from './orders.controller.js';
import { OrdersModule } from './orders.module.js';
import { OrdersService } from './orders.service.js';
import { SendReceiptArgs } from './send-receipt.args.js';

let app: INestApplication;
beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [OrdersModule] }).compile();
  app = module.createNestApplication();
  await app.init();
});
afterAll(() => app.close());

it('stores an order and its job together, or neither', async () => {
  const before = await app.get(OrdersController).count();
  expect(await app.get(OrdersService).create('ada@example.com')).toMatch(/^[0-9]+$/);
  const after = { orders: before.orders + 1, jobs: before.jobs + 1 };
  expect(await app.get(OrdersController).count()).toEqual(after);

  await expect(app.get(OrdersService).create('')).rejects.toThrow('An order needs');
  expect(await app.get(OrdersController).count()).toEqual(after);
});

it('knows its own errors and subpaths', async () => {
  const failing = app
    .get(RiverTransaction)
    .run(() => Promise.reject(new RiverError('no', { code: 'RIVER_SCHEMA_MISSING' })));
  await expect(failing).rejects.toBeInstanceOf(RiverError);
  expect(new SendReceiptArgs(1, 'ada@example.com')).toEqual({
    orderId: 1,
    email: 'ada@example.com',
  });
  expect(typeof riverMigration).toBe('function');
});
