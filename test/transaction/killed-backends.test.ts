import {
  Catch,
  Controller,
  Inject,
  Post,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  CommitOutcomeUnknownError,
  jobArgs,
  RiverClient,
  RiverError,
  RiverTransaction,
  RiverTransactional,
  type JobState,
} from 'nestjs-river';
import { connect, createDataSource, queryAll } from '../support/index.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from '../http/shop-app.js';
import { KillingProxy, type Moment } from './killing-proxy.js';
import { inUse, NOT_IN_USE, NOTHING, OrderEntity, SendReceipt } from './orders.js';

/** What the callers were told: by exception filters, one for each request that failed. */
const caught: unknown[] = [];
const thrown = new Error('of the handler');
/** Whether handlers hear of the end of their backend between two steps, or at the next one. */
let hearsAtOnce = false;
const step = async (): Promise<void> => {
  if (hearsAtOnce) await proxy.heard();
};

@Catch()
class RecordingFilter implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost): void {
    caught.push(exception);
    const http = host.switchToHttp();
    http
      .getResponse<{ status(code: number): { json(body: unknown): void } }>()
      .status(500)
      .json({});
  }
}

@Controller()
class Orders {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @Post('committing')
  @RiverTransactional()
  async committing(): Promise<void> {
    await this.#place('first');
    await this.transaction.run({ propagation: 'NESTED' }, () => this.#place('nested'));
    await step();
  }

  @Post('undoing')
  @RiverTransactional()
  async undoing(): Promise<void> {
    const nested = this.transaction.run({ propagation: 'NESTED' }, async () => {
      await this.#place('undone');
      throw thrown;
    });
    await nested.catch(() => undefined);
    await this.#place('first');
  }

  @Post('failing')
  @RiverTransactional()
  async failing(): Promise<void> {
    await this.#place('first');
    throw thrown;
  }

  @Post('reading')
  @RiverTransactional({ trackOutcome: true, statementTimeoutMs: 60_000 })
  async reading(): Promise<void> {
    await step();
    await dataSource.query('select from orders');
    await step();
  }

  @Post('by-itself')
  async byItself(): Promise<void> {
    await this.river.insert(new SendReceipt('by itself'));
  }

  /** In a transaction that the client opens for it. */
  @Post('lock-path')
  async lockPath(): Promise<void> {
    const byState: JobState[] = ['available'];
    await this.river.insert(jobArgs('unique', {}), { uniqueOpts: { byState } });
  }

  async #place(item: string): Promise<void> {
    await step();
    await this.transaction.manager.getRepository(OrderEntity).save({ item });
    await step();
    await this.river.insert(new SendReceipt(item));
    await step();
  }
}

let database: ShopDatabase;
let proxy: KillingProxy;
let dataSource: DataSource;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase(1);
  // A COMMIT that looks at the gate, so that it can be held by a lock.
  await queryAll(
    database,
    `create table gate ();
     create function look() returns trigger language plpgsql as $$ begin perform from gate; return null; end $$;
     create constraint trigger late after insert on orders deferrable initially deferred
       for each row execute function look()`,
  );
  proxy = await KillingProxy.open(database);
  dataSource = await createDataSource(proxy.database, {
    entities: [OrderEntity],
    // A pool of one shows at once whether its connection came back.
    max: 1,
    extra: { connectionTimeoutMillis: 3_000 },
  });
  shop = await startShopApp({
    controllers: [Orders],
    modules: [riverOn(dataSource)],
    prepare: (app) => app.useGlobalFilters(new RecordingFilter()),
  });
});
afterEach(async () => {
  expect(inUse(dataSource)).toEqual(NOT_IN_USE);
  caught.length = 0;
  await database.forget();
  expect(await shop.post('/committing')).toMatchObject({ status: 201 });
  expect(await database.stored()).toEqual({ orders: ['first', 'nested'], jobs: 2 });
  await database.forget();
});
afterAll(async () => {
  await shop.stop();
  await dataSource.destroy();
  await proxy.close();
  await database.dataSource.destroy();
});

/** Calls a handler whose backend ends at a statement of it; answers the status, and what was told. */
async function lose({ path, moment, statement, hold }: Case): Promise<[number, unknown]> {
  const kills = proxy.kills;
  proxy.killAt(moment, statement);
  const holder = moment === 'during' ? await connect(database) : undefined;
  try {
    await holder?.query(`begin; lock table ${hold}`);
    const { status } = await shop.post(path);
    await proxy.heard();
    expect(proxy.kills - kills).toBe(1);
    expect(caught.length).toBe(status === 201 ? 0 : 1);
    return [status, caught[0]];
  } finally {
    hearsAtOnce = false;
    await holder?.end();
  }
}

interface Case {
  readonly path: string;
  readonly moment: Moment;
  readonly statement: RegExp;
  /** A table that, locked, holds the statement while the server is at it. */
  readonly hold?: string | undefined;
}

/** One that says that the connection broke: itself, or the error of the driver that it is made of. */
function expectLost(error: unknown): void {
  const names = ['DatabaseError', 'InsertOutcomeUnknownError', 'QueryFailedError'];
  expect(names).toContain((error as Error).name);
  let root = error as Error & { driverError?: Error };
  while (root.cause ?? root.driverError) root = (root.cause ?? root.driverError) as Error;
  expect(root.message).toMatch(
    /^(terminating connection due to administrator command|Connection terminated unexpectedly)$/,
  );
}

const MOMENTS: Moment[] = ['before', 'during', 'at the answer of', 'after'];
/** All moments of each; `during` only of those that a lock can hold. */
const momentsOf = (statements: [what: string, statement: RegExp, hold?: string][]) =>
  statements.flatMap(([what, statement, hold]) =>
    MOMENTS.filter((moment) => moment !== 'during' || hold !== undefined).flatMap((moment) =>
      (moment === 'before' || moment === 'during' ? [false] : [true, false]).map((hears) => ({
        title: `${moment} ${what}${hears ? ', heard of at once' : ''}`,
        given: { moment, statement, hold },
        hears,
      })),
    ),
  );

describe('a backend that ends', () => {
  const statements = momentsOf([
    ['START TRANSACTION', /^START TRANSACTION/],
    ['the save', /^INSERT INTO "orders"/, 'orders'],
    ['the insert of the job', /river_job/, 'river_job'],
    ['SAVEPOINT', /^SAVEPOINT/],
    ['RELEASE SAVEPOINT', /^RELEASE/],
  ]);
  test.each(statements)('$title: one clear error, nothing stored', async ({ given, hears }) => {
    hearsAtOnce = hears;
    const [status, error] = await lose({ path: '/committing', ...given });
    expect(status).toBe(500);
    // Then the first to meet it is the COMMIT.
    const isMetByCommit = given.moment === 'after' && given.statement.test('RELEASE') && !hears;
    if (isMetByCommit) {
      expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
      expect(await (error as CommitOutcomeUnknownError).resolve()).toBe('rolled back');
    } else expectLost(error);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test.each([
    ['before', 'rolled back'],
    ['during', 'rolled back'],
    ['at the answer of', 'committed'],
  ] as const)('%s COMMIT: an unknown outcome, which resolves to %s', async (moment, outcome) => {
    const given = { path: '/committing', moment, statement: /^COMMIT/, hold: 'gate' };
    const [status, error] = await lose(given);
    expect(status).toBe(500);
    expect(error).toBeInstanceOf(CommitOutcomeUnknownError);
    expect(await (error as CommitOutcomeUnknownError).resolve()).toBe(outcome);
    const all = { orders: ['first', 'nested'], jobs: 2 };
    expect(await database.stored()).toEqual(outcome === 'committed' ? all : NOTHING);
  });

  test('after COMMIT: the caller is told that all is well, and it is', async () => {
    const [status] = await lose({ path: '/committing', moment: 'after', statement: /^COMMIT/ });
    expect(status).toBe(201);
    expect(await database.stored()).toEqual({ orders: ['first', 'nested'], jobs: 2 });
  });

  const undone = momentsOf([['ROLLBACK TO SAVEPOINT', /^ROLLBACK TO/]]);
  test.each(undone)('$title: one clear error, nothing stored', async ({ given, hears }) => {
    hearsAtOnce = hears;
    const [status, error] = await lose({ path: '/undoing', ...given });
    expect(status).toBe(500);
    expectLost(error);
    expect(await database.stored()).toEqual(NOTHING);
  });

  const failing = momentsOf([
    ['the last statement before the ROLLBACK', /river_job/, 'river_job'],
    ['ROLLBACK', /^ROLLBACK$/],
  ]).filter(({ given }) => given.statement.test('ROLLBACK') || given.moment === 'after');
  test.each(failing)('$title: the error of the handler', async ({ given, hears }) => {
    hearsAtOnce = hears;
    expect(await lose({ path: '/failing', ...given })).toEqual([500, thrown]);
    expect(caught[0]).toBe(thrown);
    expect(await database.stored()).toEqual(NOTHING);
  });

  const reading = momentsOf([
    ['the settings of the transaction', /set_config/],
    ['a read', /^select from orders/, 'orders'],
    ['the question for the id', /pg_current_xact_id_if_assigned/],
  ]);
  test.each(reading)('$title: one clear error', async ({ given, hears }) => {
    hearsAtOnce = hears;
    const [status, error] = await lose({ path: '/reading', ...given });
    expect(status).toBe(500);
    if (error instanceof CommitOutcomeUnknownError) {
      // The last statement before the COMMIT was answered, so that is the one to meet it.
      expect(given.moment).toBe('after');
      // Nothing was written, so there is no id to ask for.
      expect(await error.resolve()).toBe('unknown');
    } else expectLost(error);
  });
});

describe('a backend that ends outside of transactions', () => {
  const cases = [
    ...momentsOf([['an insert', /river_job/, 'river_job']]).map((each) => ({
      ...each,
      path: '/by-itself',
    })),
    ...momentsOf([
      ['BEGIN', /^BEGIN/],
      ['the lock', /advisory/],
      ['the look-up', /^select.*river_job/is, 'river_job'],
      ['the insert', /insert into.*river_job/is],
      ['COMMIT', /^COMMIT/],
    ]).map((each) => ({ ...each, title: `${each.title} on the lock path`, path: '/lock-path' })),
  ].filter(({ hears }) => !hears);
  test.each(cases)('$title: one clear error, or all is well', async ({ given, path }) => {
    const [status, error] = await lose({ path, ...given });
    const isDone = given.moment === 'after' && status === 201;
    if (!isDone) expectLost(error);
    const { jobs } = await database.stored();
    if (RiverError.is(error) && error.outcome === 'not-stored') expect(jobs).toBe(0);
    // An answer that is lost leaves open what was done; everything else is certain.
    if (given.moment !== 'at the answer of') expect(jobs).toBe(isDone ? 1 : 0);
  });
});
