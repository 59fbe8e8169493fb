import { Injectable, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { RiverModule, RiverTransaction, TransactionAbortedError } from 'nestjs-river';
import { createDataSource, createTestDatabase, type TestDatabase } from '../support/index.js';

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
