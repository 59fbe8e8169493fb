import { Body, Controller, Inject, Injectable, Module, Post } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  InjectRiverClient,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';
import { requireInserted, requireNotInserted, RiverTestingModule } from 'nestjs-river/testing';
import { SendReceipt, SortArgs } from './sides.js';

@Injectable()
class OrdersService {
  constructor(@Inject(RiverClient) private readonly river: RiverClient) {}

  @RiverTransactional()
  async place(order: number): Promise<string> {
    const { job } = await this.river.insert(new SendReceipt(order));
    if (order < 0) throw new Error('no such order');
    return job.id;
  }
}

@Controller('orders')
class OrdersController {
  constructor(@Inject(OrdersService) private readonly orders: OrdersService) {}

  @Post()
  @RiverTransactional()
  async create(@Body() { order }: { order: number }): Promise<{ job: string }> {
    return { job: await this.orders.place(order) };
  }
}

@Module({ controllers: [OrdersController], providers: [OrdersService], exports: [OrdersService] })
class OrdersModule {}

@Injectable()
class Reports {
  constructor(@InjectRiverClient('reports') readonly river: RiverClient) {}
}

/** An application as it is in production: there is no data source here, so it would not start. */
@Module({
  imports: [
    RiverModule.forRoot({ schema: 'river', migrate: true, maxAttempts: 7 }),
    RiverModule.forRoot({ name: 'reports', dataSource: 'reports' }),
    OrdersModule,
  ],
  providers: [Reports],
})
class AppModule {}

const modules: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(modules.splice(0).map((module) => module.close()));
});

async function started(compiling: Promise<TestingModule>): Promise<TestingModule> {
  const module = await compiling;
  modules.push(module);
  return await module.init();
}

describe('RiverTestingModule.forRoot()', () => {
  const start = () =>
    started(
      Test.createTestingModule({ imports: [RiverTestingModule.forRoot(), OrdersModule] }).compile(),
    );

  test('stands for RiverModule.forRoot(), without a data source', async () => {
    const module = await start();
    const river = RiverTestingModule.client(module);
    expect(module.get(RiverClient)).toBe(river);
    expect(module.get(RiverTransaction)).toBe(RiverTestingModule.transaction(module));
    const id = await module.get(OrdersService).place(1);
    expect(river.inserted).toMatchObject([{ id, kind: 'send_receipt', args: { order: 1 } }]);
    await expect(module.get(OrdersService).place(-1)).rejects.toThrow('no such order');
    expect(river.inserted).toHaveLength(1);
    await requireInserted(river, SendReceipt, { args: { order: 1 } });
    await requireNotInserted(river, SortArgs);
  });

  test('works over HTTP', async () => {
    const module = await start();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const post = async (order: number): Promise<number> => {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify({ order }),
      };
      return (await fetch(`${await app.getUrl()}/orders`, init)).status;
    };
    expect(await post(1)).toBe(201);
    expect(await post(-1)).toBe(500);
    const jobs = RiverTestingModule.client(app).insertedOf(SendReceipt);
    expect(jobs.map(({ args }) => args.order)).toEqual([1]);
    await app.close();
  });

  test('takes and checks the options of RiverModule.forRoot()', async () => {
    const module = await started(
      Test.createTestingModule({
        imports: [RiverTestingModule.forRoot({ outsideTransaction: 'error', maxAttempts: 5 })],
      }).compile(),
    );
    const river = module.get(RiverClient);
    await expect(river.insert(new SortArgs([]))).rejects.toMatchObject({
      code: 'RIVER_OUTSIDE_TRANSACTION',
    });
    const { job } = await module.get(RiverTransaction).run(() => river.insert(new SortArgs([])));
    expect(job.maxAttempts).toBe(5);
    const wrong = { maxAttempts: 0 };
    await expect(
      Test.createTestingModule({ imports: [RiverTestingModule.forRoot(wrong)] }).compile(),
    ).rejects.toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'maxAttempts' });
  });
});

describe('RiverTestingModule.override()', () => {
  const start = () => {
    const builder = Test.createTestingModule({ imports: [AppModule] });
    return started(RiverTestingModule.override(builder).compile());
  };

  test('takes the database from all clients of an application', async () => {
    const module = await start();
    await module.get(OrdersService, { strict: false }).place(1);
    await module.get(Reports).river.insert(new SortArgs(['a']));
    const river = RiverTestingModule.client(module);
    const reports = RiverTestingModule.client(module, 'reports');
    expect(module.get(Reports).river).toBe(reports);
    expect(river.inserted.map(({ kind }) => kind)).toEqual(['send_receipt']);
    expect(reports.inserted.map(({ kind }) => kind)).toEqual(['sort']);
  });

  test('keeps the options of the application', async () => {
    const module = await start();
    const { job } = await module.get(RiverClient).insert(new SortArgs([]));
    expect(job.maxAttempts).toBe(7);
  });
});

describe('the client', () => {
  test('shows in a transaction what is inserted in it, and outside what is committed', async () => {
    const module = await started(
      Test.createTestingModule({ imports: [RiverTestingModule.forRoot()] }).compile(),
    );
    const river = RiverTestingModule.client(module);
    await module.get(RiverTransaction).run(async () => {
      await river.insert(new SortArgs(['a']), { priority: 2 });
      expect(river.inserted).toHaveLength(1);
      await module.get(RiverTransaction).outside(() => expect(river.inserted).toEqual([]));
    });
    expect(river.insertedOf(SortArgs, { priority: 2 })).toHaveLength(1);
    expect(river.insertedOf(SortArgs, { priority: 3 })).toEqual([]);
    expect(river.insertedOf('sort', { args: { strings: ['a'] } })).toHaveLength(1);
    river.clear();
    expect(river.inserted).toEqual([]);
  });

  test('works jobs, so that insertAndWait comes to its end', async () => {
    const module = await started(
      Test.createTestingModule({ imports: [RiverTestingModule.forRoot()] }).compile(),
    );
    const river = RiverTestingModule.client(module);
    river.work(SortArgs, ({ args }) => {
      if (args.strings.length === 0) throw new Error('nothing to sort');
      return args.strings.toSorted();
    });
    const { output } = await river.insertAndWait(new SortArgs(['b', 'a']));
    expect(output).toEqual(['a', 'b']);
    await expect(river.insertAndWait(new SortArgs([]))).rejects.toMatchObject({
      code: 'RIVER_JOB_DISCARDED',
      job: { errors: [{ attempt: 1, error: 'nothing to sort' }] },
    });
    river.work(SendReceipt, () => 1n);
    await expect(river.insertAndWait(new SendReceipt(9))).rejects.toMatchObject({
      job: { errors: [{ error: expect.stringContaining('BigInt') }] },
    });
    river.clear();
    const { job } = await river.insert(new SendReceipt(1));
    expect(river.take(job.id).state).toBe('running');
    expect(river.complete(job, { sent: true })).toMatchObject({
      state: 'completed',
      attempt: 2,
      metadata: { output: { sent: true } },
    });
    expect(() => river.complete('999')).toThrow(/not found|no job/i);
  });

  test('rejects what needs a database', async () => {
    const module = await started(
      Test.createTestingModule({ imports: [RiverTestingModule.forRoot()] }).compile(),
    );
    const transaction = module.get(RiverTransaction);
    const unsupported = { code: 'RIVER_NOT_IN_MEMORY' };
    const raw = transaction.run((manager) => manager.query('select 1 from orders'));
    await expect(raw).rejects.toMatchObject(unsupported);
    const entity = transaction.run((manager) => manager.save(SortArgs, { strings: [] }));
    await expect(entity).rejects.toMatchObject(unsupported);
  });
});
