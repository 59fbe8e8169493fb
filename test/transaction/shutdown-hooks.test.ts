import { Injectable, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  TransactionAbortedError,
  type RiverError,
} from 'nestjs-river';
import {
  connect,
  createDataSource,
  createTestDatabase,
  type TestDatabase,
} from '../support/index.js';

let database: TestDatabase;
let dataSource: DataSource;
beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database);
});
afterAll(() => dataSource.destroy());

/** Finishes what it is working on before the application ends, as consumers of queues do. */
@Injectable()
class Consumer implements OnModuleDestroy {
  readonly ended: Promise<unknown>;

  constructor(transaction: RiverTransaction) {
    this.ended = transaction
      .run(() => new Promise(() => undefined))
      .catch((error: unknown) => error);
  }

  async onModuleDestroy(): Promise<void> {
    await this.ended;
  }
}

@Module({ providers: [Consumer] })
class ConsumerModule {}

/** Nest orders the hooks by the distance of a module from the root, in another way in each version. */
@Module({})
class OuterModule {
  static of(...imports: DynamicModule['imports'] & object): DynamicModule {
    return { module: OuterModule, imports };
  }
}

const orders: Readonly<Record<string, (river: DynamicModule) => DynamicModule['imports']>> = {
  'is imported after ours': (river) => [river, ConsumerModule],
  'is imported before ours': (river) => [ConsumerModule, river],
  'is far from the root': (river) => [river, OuterModule.of(ConsumerModule)],
  'is nearer to the root than ours': (river) => [OuterModule.of(river), ConsumerModule],
};

test.each(Object.keys(orders))(
  'a consumer that waits for its transaction in onModuleDestroy ends, when its module %s',
  async (order) => {
    const river = RiverModule.forRoot({ dataSource, shutdownTimeoutMs: 100 });
    const imports = orders[order]?.(river) ?? [];
    const app = await (await Test.createTestingModule({ imports }).compile()).init();
    await app.close();
    expect(await app.get(Consumer, { strict: false }).ended).toBeInstanceOf(
      TransactionAbortedError,
    );
  },
);

test('inserts that wait for a shared statement are rejected when the time limit is reached', async () => {
  const own = await createDataSource(database, { max: 1 });
  const river = RiverModule.forRoot({ dataSource: own, shutdownTimeoutMs: 100 });
  const app = await (await Test.createTestingModule({ imports: [river] }).compile()).init();
  const locker = await connect(database);
  try {
    await locker.query('begin; lock table river_job in share mode');
    const client = app.get(RiverClient);
    const inserts = Array.from({ length: 20 }, (_, n) =>
      client.insert(jobArgs('waits', { n })).catch((error: unknown) => error as RiverError),
    );
    const isWaiting = 'select from pg_locks where not granted and pid <> pg_backend_pid()';
    while ((await locker.query(isWaiting)).rowCount === 0);
    await app.close();
    const outcomes = (await Promise.all(inserts)).map((error) =>
      'outcome' in error ? `${error.code}: ${error.outcome}` : 'stored',
    );
    // The statement of one had been sent, and its connection was closed.
    expect(outcomes.sort()).toEqual([
      'RIVER_INSERT_OUTCOME_UNKNOWN: unknown',
      ...Array<string>(19).fill('RIVER_SHUTTING_DOWN: not-stored'),
    ]);
  } finally {
    await locker.end();
    await own.destroy();
  }
});
