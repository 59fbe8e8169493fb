import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { InjectRiverClient, RiverClient, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { createFakeRiver, type FakeRiver } from 'nestjs-river/testing';
import { SendReceipt, SortArgs } from './sides.js';

class Mailer {
  send(_order: number): void {
    throw new Error('not in tests');
  }
}

@Injectable()
class OrdersService {
  @InjectRiverClient() readonly byProperty: RiverClient | undefined;

  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
    @Inject(Mailer) private readonly mailer: Mailer,
  ) {}

  @RiverTransactional()
  async place(order: number): Promise<void> {
    await this.river.insert(new SendReceipt(order));
    this.mailer.send(order);
  }

  async placeTwo(): Promise<void> {
    await this.transaction.run(async () => {
      await this.river.insertMany([new SendReceipt(1), new SortArgs([])]);
    });
  }
}

let fake: FakeRiver;
beforeAll(async () => {
  fake = await createFakeRiver({ maxAttempts: 4 });
});
afterEach(() => fake.river.clear());
afterAll(() => fake.close());

test('an object that the test makes itself works, its decorated methods included', async () => {
  const { river, transaction, inject } = fake;
  const sent: number[] = [];
  const orders = inject(
    new OrdersService(river, transaction, { send: (order) => void sent.push(order) }),
  );
  await orders.place(1);
  expect(sent).toEqual([1]);
  expect(orders.byProperty).toBe(river);
  expect(river.inserted).toMatchObject([{ kind: 'send_receipt', args: { order: 1 } }]);
  await expect(
    inject(new OrdersService(river, transaction, new Mailer())).place(2),
  ).rejects.toThrow('not in tests');
  await orders.placeTwo();
  // The first is still there, so the second is a duplicate of it.
  expect(river.inserted.map(({ kind, maxAttempts }) => [kind, maxAttempts])).toEqual([
    ['send_receipt', 3],
    ['sort', 4],
  ]);
});

test('beside mocks of all else, the client and the helper are real', async () => {
  const mocked: unknown[] = [];
  const module = await Test.createTestingModule({ providers: [OrdersService] })
    .useMocker(
      fake.mocker((token) => {
        mocked.push(token);
        return { send: () => undefined };
      }),
    )
    .compile();
  await module.get(OrdersService).place(1);
  expect(mocked).toEqual([Mailer]);
  expect(fake.river.insertedOf(SendReceipt)).toHaveLength(1);
  await module.close();
});
