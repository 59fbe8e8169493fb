import { Controller, Inject, Injectable, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Repository } from 'typeorm';
import {
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  TransactionEndedError,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { OrderEntity, SendReceipt, type Order } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Begins to poll when it is first asked, as caches and rate limiters do: in whoever's request that is. */
@Injectable()
class Poller {
  /** What each look found: how many orders there are, or why it could not look. */
  readonly found: unknown[] = [];
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer ??= setInterval(() => void this.#look(), 10);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.found.length = 0;
  }

  async #look(): Promise<void> {
    const orders: Repository<Order> = database.dataSource.getRepository(OrderEntity);
    this.found.push(await orders.count().catch((error: unknown) => error));
  }
}

@Controller()
class Orders {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
    @Inject(Poller) private readonly poller: Poller,
  ) {}

  async #place(start: () => void): Promise<void> {
    await database.dataSource.getRepository(OrderEntity).insert({ item: 'book' });
    start();
    await pause(35);
    await this.river.insert(new SendReceipt('book'));
  }

  @Post('refuse')
  @RiverTransactional()
  async refuse(): Promise<void> {
    await this.#place(() => this.poller.start());
  }

  @Post('detach')
  @RiverTransactional({ afterEnd: 'detach' })
  async detach(): Promise<void> {
    await this.#place(() => this.poller.start());
  }

  @Post('outside')
  @RiverTransactional()
  async outside(): Promise<void> {
    await this.#place(() => void this.transaction.outside(() => this.poller.start()));
  }
}

let database: ShopDatabase;
let shop: ShopApp;
let poller: Poller;
beforeAll(async () => {
  database = await createShopDatabase(3);
  shop = await startShopApp({
    controllers: [Orders],
    providers: [Poller],
    modules: [riverOn(database.dataSource)],
  });
  poller = shop.app.get(Poller);
});
afterEach(async () => {
  poller.stop();
  await pause(30);
  await database.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

/** Two orders that are there before; the one of the request is the third. */
const seed = () => queryAll(database, `insert into orders (item) values ('one'), ('two')`);
/** From a look that begins after the request. */
async function foundLater(): Promise<unknown[]> {
  await pause(20);
  const before = poller.found.length;
  await pause(60);
  return poller.found.slice(before);
}

test('a poller that is first started in a transactional request sees what that sees, then is refused', async () => {
  await seed();
  expect(await shop.post('/refuse')).toMatchObject({ status: 201 });
  expect(poller.found).toContain(3);
  const later = await foundLater();
  expect(later.length).toBeGreaterThan(1);
  for (const found of later) {
    expect(found).toBeInstanceOf(TransactionEndedError);
    expect((found as Error).message).toContain('transaction.outside');
  }
  expect(await database.stored()).toMatchObject({ jobs: 1 });
});

test("a poller of a request with afterEnd: 'detach' goes on outside the transaction, also for the next request", async () => {
  await seed();
  expect(await shop.post('/detach')).toMatchObject({ status: 201 });
  const later = await foundLater();
  expect(later.length).toBeGreaterThan(1);
  expect(new Set(later)).toEqual(new Set([3]));
});

test('a poller that is started by transaction.outside() never sees what is not committed', async () => {
  await seed();
  expect(await shop.post('/outside')).toMatchObject({ status: 201 });
  expect(new Set([2, 3])).toEqual(new Set([...poller.found, 3]));
  expect(new Set(await foundLater())).toEqual(new Set([3]));
});
