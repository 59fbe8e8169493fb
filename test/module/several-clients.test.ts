import { Inject, Injectable, Module } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  getRiverClientToken,
  getRiverTransactionToken,
  InjectRiverClient,
  InjectRiverTransaction,
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
} from 'nestjs-river';
import { countJobs } from '../client/started-client.js';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { silence, start, startError, withApplication } from './applications.js';

@Injectable()
class Clients {
  constructor(
    @Inject(RiverClient) readonly river: RiverClient,
    @InjectRiverClient() readonly unnamed: RiverClient,
    @InjectRiverClient('billing') readonly billing: RiverClient,
    @InjectRiverTransaction('billing') readonly billingTransaction: RiverTransaction,
  ) {}

  @InjectRiverClient('billing') readonly property!: RiverClient;
  @InjectRiverTransaction() readonly unnamedTransaction!: RiverTransaction;
  @Inject(RiverTransaction) readonly transaction!: RiverTransaction;
}

/** A module that imports nothing of ours: it sees what is global. */
@Module({ providers: [Clients], exports: [Clients] })
class FeatureModule {}

@Injectable()
class DefaultOnly {
  constructor(@Inject(RiverClient) readonly river: RiverClient) {}
}

let shop: TestDatabase;
let billing: TestDatabase;
let shopSource: DataSource;
let billingSource: DataSource;
beforeAll(async () => {
  silence();
  shop = await createTestDatabase();
  billing = await createTestDatabase();
  shopSource = await createDataSource(shop);
  billingSource = await createDataSource(billing);
});
afterEach(async () => {
  await queryAll(shop, 'delete from river_job');
  await queryAll(billing, 'delete from river_job');
});
afterAll(async () => {
  await shopSource.destroy();
  await billingSource.destroy();
});

const both = () => [
  RiverModule.forRoot({ dataSource: shopSource }),
  RiverModule.forRoot({ name: 'billing', dataSource: billingSource, maxAttempts: 2 }),
];

describe('several clients', () => {
  test('are injected by class and by name, wherever they are global', async () => {
    await withApplication([...both(), FeatureModule], async (app) => {
      const clients = app.get(Clients, { strict: false });
      expect(clients.river).toBeInstanceOf(RiverClient);
      expect(clients.unnamed).toBe(clients.river);
      expect(clients.billing).toBeInstanceOf(RiverClient);
      expect(clients.billing).not.toBe(clients.river);
      expect(clients.property).toBe(clients.billing);
      expect(clients.transaction).toBeInstanceOf(RiverTransaction);
      expect(clients.unnamedTransaction).toBe(clients.transaction);
      expect(clients.billingTransaction).not.toBe(clients.transaction);
      expect(app.get(getRiverClientToken('billing'))).toBe(clients.billing);
      expect(app.get(getRiverTransactionToken('billing'))).toBe(clients.billingTransaction);
    });
  });

  test('insert into their own data sources, with their own options', async () => {
    await withApplication([...both(), FeatureModule], async (app) => {
      const clients = app.get(Clients, { strict: false });
      const here = await clients.river.insert(jobArgs('here', {}));
      const there = await clients.billing.insert(jobArgs('there', {}));
      expect([here.job.maxAttempts, there.job.maxAttempts]).toEqual([25, 2]);
    });
    expect([await countJobs(shop), await countJobs(billing)]).toEqual([1, 1]);
  });

  test('may share a data source, and its transactions', async () => {
    const modules = [
      RiverModule.forRoot({ dataSource: shopSource }),
      RiverModule.forRoot({ name: 'billing', dataSource: shopSource }),
      FeatureModule,
    ];
    await withApplication(modules, async (app) => {
      const clients = app.get(Clients, { strict: false });
      const attempt = clients.transaction.run(async () => {
        await clients.river.insert(jobArgs('one', {}));
        await clients.billing.insert(jobArgs('other', {}));
        expect(clients.billingTransaction.isActive).toBe(true);
        throw new Error('no');
      });
      await expect(attempt).rejects.toThrow('no');
    });
    expect(await countJobs(shop)).toBe(0);
  });

  test('need no default one among them; then RiverClient itself is not provided', async () => {
    @Module({ providers: [DefaultOnly] })
    class NeedsDefault {}
    const named = RiverModule.forRoot({ name: 'billing', dataSource: billingSource });
    await withApplication([named], async (app) => {
      await app.get<RiverClient>(getRiverClientToken('billing')).insert(jobArgs('job', {}));
    });
    expect(String(await startError([named, NeedsDefault]))).toContain('RiverClient');
    expect(await countJobs(billing)).toBe(1);
  });
});

describe('isGlobal', () => {
  test('true by default: modules that import nothing see the client', async () => {
    @Module({ providers: [DefaultOnly] })
    class Elsewhere {}
    const modules = [RiverModule.forRoot({ dataSource: shopSource }), Elsewhere];
    expect(await startError(modules)).toBeUndefined();
  });

  test('false: only modules that import it do', async () => {
    const river = RiverModule.forRoot({ dataSource: shopSource, isGlobal: false });
    @Module({ providers: [DefaultOnly] })
    class Elsewhere {}
    @Module({ imports: [river], providers: [DefaultOnly] })
    class Importing {}
    expect(String(await startError([river, Elsewhere]))).toContain('RiverClient');
    await withApplication([Importing], async (app) => {
      await app.get(DefaultOnly, { strict: false }).river.insert(jobArgs('job', {}));
    });
    expect(await countJobs(shop)).toBe(1);
  });

  test('false of forRootAsync: only modules that import it do', async () => {
    const river = RiverModule.forRootAsync({
      dataSource: shopSource,
      isGlobal: false,
      useFactory: () => ({}),
    });
    @Module({ providers: [DefaultOnly] })
    class Elsewhere {}
    expect(String(await startError([river, Elsewhere]))).toContain('RiverClient');
  });
});

describe('the same name twice', () => {
  const taken = { name: 'RiverConfigurationError', code: 'RIVER_CLIENT_NAME_TAKEN', field: 'name' };

  test('is refused for two forRoot() with different options', async () => {
    const one = RiverModule.forRoot({ dataSource: shopSource, maxAttempts: 1 });
    const two = RiverModule.forRoot({ dataSource: shopSource, maxAttempts: 2 });
    expect(await startError([one, two])).toMatchObject(taken);
  });

  test('is refused for two equal forRoot()', async () => {
    const river = () => RiverModule.forRoot({ dataSource: shopSource });
    expect(await startError([river(), river()])).toMatchObject(taken);
    const named = () => RiverModule.forRoot({ name: 'billing', dataSource: shopSource });
    const error = await startError([named(), named()]);
    expect(error).toMatchObject(taken);
    expect(String(error)).toContain("'billing'");
  });

  test('is refused for forRoot() and forRootAsync()', async () => {
    const one = RiverModule.forRoot({ dataSource: shopSource });
    const two = RiverModule.forRootAsync({ dataSource: shopSource, useFactory: () => ({}) });
    expect(await startError([one, two])).toMatchObject(taken);
  });

  test('is refused for modules that are not global, deep in the application', async () => {
    @Module({ imports: [RiverModule.forRoot({ dataSource: shopSource, isGlobal: false })] })
    class One {}
    @Module({ imports: [RiverModule.forRoot({ dataSource: shopSource, isGlobal: false })] })
    class Two {}
    expect(await startError([One, Two])).toMatchObject(taken);
  });

  test('is one module when the same object is imported in two places', async () => {
    const river = RiverModule.forRoot({ dataSource: shopSource });
    @Module({ imports: [river], providers: [DefaultOnly] })
    class One {}
    @Module({ imports: [river] })
    class Two {}
    await withApplication([One, Two, river], async (app) => {
      const { river: client } = app.get(DefaultOnly, { strict: false });
      expect(client).toBe(app.get(RiverClient));
    });
  });

  test("is none of another name, nor of another application's", async () => {
    const river = RiverModule.forRoot({ dataSource: shopSource });
    const one = await start([river, RiverModule.forRoot({ name: 'b', dataSource: shopSource })]);
    const two = await start([river]);
    await one.close();
    await two.close();
  });
});
