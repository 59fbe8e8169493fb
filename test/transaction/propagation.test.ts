import 'reflect-metadata';
import { Body, Controller, Inject, Injectable, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import {
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  getRiverClientToken,
  getRiverTransactionToken,
  type Propagation,
  type RiverTransactionOptions,
} from 'nestjs-river';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from '../http/shop-app.js';
import { NOTHING, OrderEntity, SendReceipt } from './orders.js';

/** Where the work was: told apart by the transaction that the server says it is in. */
type Where = 'joined' | 'own' | 'savepoint' | 'none' | 'refused';

/** What each does inside of a transaction and outside of one. */
const EXPECTED: Record<Propagation, { readonly inside: Where; readonly outside: Where }> = {
  REQUIRED: { inside: 'joined', outside: 'own' },
  REQUIRES_NEW: { inside: 'own', outside: 'own' },
  NESTED: { inside: 'savepoint', outside: 'own' },
  MANDATORY: { inside: 'joined', outside: 'refused' },
  SUPPORTS: { inside: 'joined', outside: 'none' },
  NOT_SUPPORTED: { inside: 'none', outside: 'none' },
  NEVER: { inside: 'refused', outside: 'none' },
};
const ALL = Object.keys(EXPECTED) as Propagation[];

class OnPurpose extends Error {}

@Injectable()
class Work {
  constructor(
    @Inject(RiverClient) readonly river: RiverClient,
    @Inject(RiverTransaction) readonly transaction: RiverTransaction,
  ) {}

  /** An order through an injected repository, a job, and maybe an error. */
  async do(item: string, fail: boolean): Promise<void> {
    await database.dataSource.getRepository(OrderEntity).insert({ item });
    await this.river.insert(new SendReceipt(item));
    if (fail) throw new OnPurpose();
  }
}

type Place = (item: string, fail: boolean) => Promise<void>;

/** A class whose method has the decorator with these options. */
function decorated(propagation: Propagation) {
  @Injectable()
  class Service {
    constructor(@Inject(Work) readonly work: Work) {}

    @RiverTransactional({ propagation })
    async place(item: string, fail: boolean): Promise<void> {
      await this.work.do(item, fail);
    }
  }

  @Controller(propagation)
  class Handler {
    constructor(@Inject(Work) readonly work: Work) {}

    @Post()
    @RiverTransactional({ propagation })
    async place(@Body() { item, fail }: { item: string; fail: boolean }): Promise<object> {
      await this.work.do(item, fail);
      return { ok: true };
    }
  }
  return { Service, Handler };
}

const classes = new Map(ALL.map((propagation) => [propagation, decorated(propagation)]));
let database: ShopDatabase;
let other: ShopDatabase;
let shop: ShopApp;
let work: Work;
let transaction: RiverTransaction;
let otherRiver: RiverClient;
let otherTransaction: RiverTransaction;
beforeAll(async () => {
  database = await createShopDatabase(4);
  other = await createShopDatabase(4);
  shop = await startShopApp({
    providers: [Work, ...[...classes.values()].map(({ Service }) => Service)],
    controllers: [...classes.values()].map(({ Handler }) => Handler),
    modules: [riverOn(database.dataSource), riverOn(other.dataSource, { name: 'other' })],
  });
  work = shop.app.get(Work);
  ({ transaction } = work);
  otherRiver = shop.app.get<RiverClient>(getRiverClientToken('other'));
  otherTransaction = shop.app.get<RiverTransaction>(getRiverTransactionToken('other'));
});
afterEach(async () => {
  await database.forget();
  await other.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
  await other.dataSource.destroy();
});

/** The ways to ask for a propagation in code that may be in a transaction. */
const ways: Record<string, (propagation: Propagation) => Place> = {
  'transaction.run': (propagation) => (item, fail) =>
    transaction.run({ propagation }, () => work.do(item, fail)),
  '@RiverTransactional() on a service': (propagation) => {
    const { Service } = classes.get(propagation) ?? decorated(propagation);
    const service = shop.app.get<{ place: Place }>(Service);
    return (item, fail) => service.place(item, fail);
  },
};

const IS_REFUSED = {
  MANDATORY: { name: 'NotInTransactionError' },
  NEVER: { name: 'RiverTransactionError', field: 'propagation' },
} as Partial<Record<Propagation, object>>;

const failure = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'resolved',
    (error: unknown) => error,
  );
const rows = (...orders: string[]) => ({ orders, jobs: orders.length });

describe.each(Object.entries(ways))('%s', (_way, of) => {
  describe.each(ALL)('%s', (propagation) => {
    const { inside, outside } = EXPECTED[propagation];

    test(`inside of a transaction: ${inside}`, async () => {
      const place = of(propagation);
      for (const [outer, inner] of [
        ['commits', 'succeeds'],
        ['rolls back', 'succeeds'],
        ['commits', 'fails'],
        ['rolls back', 'fails'],
      ]) {
        let told: unknown;
        let seen: unknown;
        const attempt = transaction.run(async () => {
          await work.do('outer', false);
          told = await failure(place('inner', inner === 'fails'));
          seen = await database.stored();
          if (outer === 'rolls back') throw new OnPurpose();
        });
        await failure(attempt);

        if (inside === 'refused') expect(told).toMatchObject(IS_REFUSED[propagation] ?? {});
        else if (inner === 'fails') expect(told).toBeInstanceOf(OnPurpose);
        else expect(told).toBe('resolved');
        // What the inner work stored by itself, which others see at once.
        const alone =
          inside === 'none' || (inside === 'own' && inner === 'succeeds') ? ['inner'] : [];
        expect([outer, inner, seen]).toEqual([outer, inner, rows(...alone)]);
        const withOuter =
          inside === 'joined' || (inside === 'savepoint' && inner === 'succeeds')
            ? ['outer', 'inner']
            : ['outer'];
        const kept = outer === 'commits' ? [...withOuter, ...alone] : alone;
        expect([outer, inner, await database.stored()]).toEqual([outer, inner, rows(...kept)]);
        await database.forget();
      }
    });

    test(`outside of one: ${outside}`, async () => {
      const place = of(propagation);
      for (const fail of [false, true]) {
        const told = await failure(place('work', fail));
        if (outside === 'refused') expect(told).toMatchObject(IS_REFUSED[propagation] ?? {});
        else if (fail) expect(told).toBeInstanceOf(OnPurpose);
        else expect(told).toBe('resolved');
        const isKept = outside === 'none' || (outside === 'own' && !fail);
        expect(await database.stored()).toEqual(isKept ? rows('work') : NOTHING);
        await database.forget();
      }
    });

    test("in another data source's transaction is as outside of one", async () => {
      const place = of(propagation);
      await otherTransaction.run(async () => {
        await otherRiver.insert(new SendReceipt('of the other'));
        const told = await failure(place('work', false));
        expect(told).toEqual(
          outside === 'refused'
            ? expect.objectContaining(IS_REFUSED[propagation] ?? {})
            : 'resolved',
        );
        expect(await database.stored()).toEqual(outside === 'refused' ? NOTHING : rows('work'));
        expect(await other.stored()).toEqual(NOTHING);
      });
      expect(await other.stored()).toMatchObject({ jobs: 1 });
    });
  });
});

describe('@RiverTransactional() on a handler', () => {
  test.each(ALL)('%s', async (propagation) => {
    const { outside } = EXPECTED[propagation];
    for (const fail of [false, true]) {
      const { status } = await shop.post(`/${propagation}`, { item: 'work', fail });
      expect(status).toBe(outside === 'refused' || fail ? 500 : 201);
      const isKept = outside === 'none' || (outside === 'own' && !fail);
      expect(await database.stored()).toEqual(isKept ? rows('work') : NOTHING);
      await database.forget();
    }
  });
});

describe('several data sources at once', () => {
  test('are never mixed up, and end each by itself', async () => {
    const attempt = transaction.run(async () => {
      await otherTransaction.run(async (manager) => {
        expect(manager.connection).toBe(other.dataSource);
        await work.do('first', false);
        await otherRiver.insert(new SendReceipt('second'));
        await other.dataSource.getRepository(OrderEntity).insert({ item: 'second' });
        await otherTransaction.run({ propagation: 'NESTED' }, () => work.do('nested', false));
        await transaction.run({ propagation: 'REQUIRES_NEW' }, () => work.do('new', false));
      });
      throw new OnPurpose();
    });
    expect(await failure(attempt)).toBeInstanceOf(OnPurpose);
    expect(await database.stored()).toEqual(rows('new'));
    expect(await other.stored()).toEqual(rows('second'));
  });
});

describe('options that only the opener can choose', () => {
  const options: [keyof RiverTransactionOptions, RiverTransactionOptions][] = [
    ['isolation', { isolation: 'SERIALIZABLE' }],
    ['readOnly', { readOnly: true }],
    ['statementTimeoutMs', { statementTimeoutMs: 100 }],
    ['lockTimeoutMs', { lockTimeoutMs: 100 }],
  ];

  test.each(options)('%s is refused where it joins or nests', async (field, given) => {
    await transaction.run(async () => {
      for (const propagation of ['REQUIRED', 'NESTED', 'MANDATORY', 'SUPPORTS'] as const) {
        const attempt = transaction.run({ ...given, propagation }, () => work.do('inner', false));
        expect(await failure(attempt)).toMatchObject({ code: 'RIVER_INVALID_TRANSACTION', field });
      }
      await work.do('outer', false);
    });
    expect(await database.stored()).toEqual(rows('outer'));
  });

  test.each(options)('%s is refused where there will be no transaction', async (field, given) => {
    for (const propagation of ['NOT_SUPPORTED', 'NEVER'] as const) {
      const attempt = transaction.run({ ...given, propagation }, () => work.do('inner', false));
      expect(await failure(attempt)).toMatchObject({ code: 'RIVER_INVALID_TRANSACTION', field });
    }
    expect(await database.stored()).toEqual(NOTHING);
  });

  test.each(options)('%s is taken by a new transaction within another', async (_field, given) => {
    await transaction.run(async () => {
      await transaction.run({ ...given, propagation: 'REQUIRES_NEW' }, () => undefined);
    });
  });

  test('are honoured, and do not stay on the connection', async () => {
    const show = async (manager: EntityManager, name: string): Promise<unknown> => {
      const [row] = await manager.query<{ value: string }[]>(
        'select current_setting($1) as value',
        [name],
      );
      return row?.value;
    };
    const settings = ['transaction_isolation', 'transaction_read_only'];
    const timeouts = ['statement_timeout', 'lock_timeout'];
    const all = (manager: EntityManager) =>
      Promise.all([...settings, ...timeouts].map((name) => show(manager, name)));
    const chosen = {
      isolation: 'REPEATABLE READ',
      readOnly: true,
      statementTimeoutMs: 7_000,
      lockTimeoutMs: 3_000,
    } as const;
    for (let round = 0; round < 5; round++) {
      expect(await transaction.run(chosen, all)).toEqual(['repeatable read', 'on', '7s', '3s']);
      expect(await transaction.run(all)).toEqual(['read committed', 'off', '0', '0']);
    }
  });

  test('fail what does not keep to them', async () => {
    const written = transaction.run({ readOnly: true }, () => work.do('inner', false));
    expect(await failure(written)).toMatchObject({ driverError: { code: '25006' } });
    const slow = transaction.run({ statementTimeoutMs: 50 }, (manager) =>
      manager.query('select pg_sleep(5)'),
    );
    expect(await failure(slow)).toMatchObject({ driverError: { code: '57014' } });
    await transaction.run(async (manager) => {
      await manager.query('lock table orders');
      const locked = transaction.run({ propagation: 'REQUIRES_NEW', lockTimeoutMs: 50 }, (inner) =>
        inner.query('lock table orders'),
      );
      expect(await failure(locked)).toMatchObject({ driverError: { code: '55P03' } });
    });
  });
});

test.each([
  [{ propagation: 'SOMETIMES' }, 'propagation'],
  [{ isolation: 'HIGH' }, 'isolation'],
  [{ readOnly: 'yes' }, 'readOnly'],
  [{ timeoutMs: -1 }, 'timeoutMs'],
  [{ retries: 1.5 }, 'retries'],
  [{ signal: {} }, 'signal'],
  [{ timeout: 5 }, 'timeout'],
])('options that make no sense are refused: %p', async (options, field) => {
  const attempt = transaction.run(options as RiverTransactionOptions, () => undefined);
  expect(await failure(attempt)).toMatchObject({ code: 'RIVER_INVALID_TRANSACTION', field });
  expect(() =>
    RiverTransactional(options as RiverTransactionOptions)({}, 'method', {
      value: async () => undefined,
    }),
  ).toThrow(`${field}: `);
});
