import { Controller, Inject, Next, Post, Res } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { RiverClient, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

interface Response {
  status(code: number): Response;
  header(name: string, value: string): Response;
  json(body: unknown): void;
}

const EQUAL = `insert into orders (item, deferred) values ('one', 7), ('two', 7)`;
const ALL = { orders: ['book'], jobs: 1 };
/** What handlers tell of themselves. */
const notes: unknown[] = [];
let goOn: () => void = () => undefined;
let ended: Promise<unknown> = Promise.resolve();

@Controller()
class Handlers {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  async #place(): Promise<void> {
    await this.transaction.manager.save(OrderEntity, { item: 'book' });
    await this.river.insert(new SendReceipt('book'));
  }

  @Post('early')
  @RiverTransactional()
  async early(@Res() response: Response): Promise<void> {
    await this.#place();
    const committed = new Promise((resolve) => this.transaction.afterCommit(() => resolve('ok')));
    ended = committed;
    response.status(202).json({ accepted: true });
    await new Promise<void>((resolve) => (goOn = resolve));
  }

  @Post('early/failing')
  @RiverTransactional()
  async earlyFailing(@Res() response: Response): Promise<void> {
    await this.#place();
    ended = new Promise((resolve) => this.transaction.afterRollback(() => resolve('rolled back')));
    response.status(202).json({ accepted: true });
    throw new Error('after the answer');
  }

  @Post('failing')
  @RiverTransactional()
  async failing(@Res() _response: Response): Promise<void> {
    await this.#place();
    throw new Error('before the answer');
  }

  @Post('deferred')
  @RiverTransactional()
  async deferred(@Res() response: Response): Promise<void> {
    await this.transaction.manager.query(EQUAL);
    await this.#place();
    ended = new Promise((resolve) => this.transaction.afterRollback(() => resolve('rolled back')));
    response.json({ stored: true });
  }

  @Post('callback')
  @RiverTransactional()
  async callback(@Res() response: Response): Promise<void> {
    await this.#place();
    // As libraries with callbacks do: the handler is over before the answer is given.
    setTimeout(() => {
      this.river.insert(new SendReceipt('late')).then(
        () => response.json({ late: 'stored' }),
        (error: Error) => response.status(500).json({ late: error.name }),
      );
    }, 20);
  }

  @Post('next')
  @RiverTransactional()
  async next(@Next() next: () => void): Promise<void> {
    await this.#place();
    next();
  }

  @Post('passthrough')
  @RiverTransactional({ retries: 2 })
  async passthrough(@Res({ passthrough: true }) response: Response): Promise<object> {
    await this.#place();
    notes.push('run');
    response.status(202).header('x-runs', String(notes.length));
    if (notes.length < 3) {
      await this.transaction.manager.query(
        `do $$ begin raise 'no' using errcode = '40001'; end $$`,
      );
    }
    return { runs: notes.length };
  }

  @Post('passthrough/deferred')
  @RiverTransactional()
  async passthroughDeferred(@Res({ passthrough: true }) response: Response): Promise<object> {
    await this.transaction.manager.query(EQUAL);
    response.status(202);
    return { stored: true };
  }
}

let database: ShopDatabase;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase(2);
  shop = await startShopApp({ controllers: [Handlers], modules: [riverOn(database.dataSource)] });
});
afterEach(async () => {
  notes.length = 0;
  await database.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

describe('a handler that answers by itself through @Res()', () => {
  test('answers before COMMIT; its transaction is committed when it returns', async () => {
    expect(await shop.post('/early')).toEqual({ status: 202, body: { accepted: true } });
    expect(await database.stored()).toEqual(NOTHING);
    goOn();
    expect(await ended).toBe('ok');
    expect(await database.stored()).toEqual(ALL);
  });

  test('that throws after its answer stores nothing, although it has answered', async () => {
    expect(await shop.post('/early/failing')).toMatchObject({ status: 202 });
    expect(await ended).toBe('rolled back');
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('has answered that all is well when the COMMIT fails; nothing is stored', async () => {
    expect(await shop.post('/deferred')).toEqual({ status: 201, body: { stored: true } });
    expect(await ended).toBe('rolled back');
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('that throws before its answer is answered for by the exception filters', async () => {
    expect(await shop.post('/failing')).toMatchObject({ status: 500 });
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('in a callback after its end is refused what it asks for then', async () => {
    expect(await shop.post('/callback')).toEqual({
      status: 500,
      body: { late: 'TransactionEndedError' },
    });
    expect(await database.stored()).toEqual(ALL);
  });

  test('that leaves the answer to @Next() instead is committed all the same', async () => {
    expect(await shop.post('/next')).toMatchObject({ status: 404 });
    for (let tries = 0; tries < 50 && (await database.stored()).jobs === 0; tries++);
    expect(await database.stored()).toEqual(ALL);
  });
});

describe('with passthrough', () => {
  test('Nest answers after COMMIT, once, with the status and headers of the last run', async () => {
    expect(await shop.post('/passthrough')).toEqual({ status: 202, body: { runs: 3 } });
    expect(await database.stored()).toEqual(ALL);
  });

  test('a COMMIT that fails is an error', async () => {
    expect(await shop.post('/passthrough/deferred')).toMatchObject({ status: 500 });
    expect(await database.stored()).toEqual(NOTHING);
  });
});

@Controller('retried')
class RetriedRes {
  @Post()
  @RiverTransactional({ retries: 1 })
  async create(@Res() _response: unknown): Promise<void> {}
}

@Controller('retried')
class RetriedNext {
  @Post()
  @RiverTransactional({ retries: 1 })
  async create(@Next() _next: unknown): Promise<void> {}
}

test.each([RetriedRes, RetriedNext])(
  'retries of %p are refused before the application listens',
  async (controller) => {
    const start = startShopApp({
      controllers: [controller],
      modules: [riverOn(database.dataSource)],
    });
    await expect(start).rejects.toMatchObject({
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      message: expect.stringMatching(/^Retried(Res|Next)\.create: `retries`/) as unknown,
    });
  },
);
