import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OrdersModule } from '../src/orders/orders.module.js';

let app: INestApplication;
let url: string;
beforeAll(async () => {
  const module = await Test.createTestingModule({ imports: [OrdersModule] }).compile();
  app = module.createNestApplication();
  await app.listen(0);
  url = `${await app.getUrl()}/orders`.replace('[::1]', 'localhost');
});
afterAll(() => app.close());

it('inserts a job by a request', async () => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com' }),
  });
  expect(response.status).toBe(201);
  const { jobId } = (await response.json()) as { jobId: string };
  expect(jobId).toMatch(/^[0-9]+$/);
});
