import { Controller, Inject, Injectable, Module, Param, Post, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { expect, jest, test } from '@jest/globals';
import { InjectRiverClient, RiverClient, RiverModule, RiverTransactional } from 'nestjs-river';
import {
  createFakeRiver,
  requireInserted,
  requireNotInserted,
  RiverTestingModule,
} from 'nestjs-river/testing';
import { SendReceipt, SortArgs } from './sides.js';

/** One for each request. */
@Injectable({ scope: Scope.REQUEST })
class TenantService {
  constructor(
    @Inject(REQUEST) private readonly request: { headers: Record<string, string> },
    @Inject(RiverClient) private readonly river: RiverClient,
  ) {}

  @RiverTransactional()
  async place(order: number): Promise<void> {
    const tenant = this.request.headers['x-tenant'] ?? '';
    await this.river.insert(new SendReceipt(order), { metadata: { tenant } });
    if (order === 0) throw new Error('no such order');
  }
}

@Controller('orders')
class OrdersController {
  constructor(@Inject(TenantService) private readonly tenants: TenantService) {}

  @Post(':order')
  async create(@Param('order') order: string): Promise<void> {
    await this.tenants.place(Number(order));
  }
}

/** What a factory of options injects. */
@Injectable()
class Settings {
  readonly maxAttempts = 4;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({
  imports: [
    RiverModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: ({ maxAttempts }: Settings) => ({ maxAttempts, migrate: true }),
    }),
  ],
  controllers: [OrdersController],
  providers: [TenantService],
})
class AppModule {}

@Injectable()
class ReportsService {
  constructor(
    @InjectRiverClient('reports') private readonly reports: RiverClient,
    @Inject(RiverClient) private readonly river: RiverClient,
  ) {}

  @RiverTransactional({ name: 'reports' })
  async build(): Promise<void> {
    await this.reports.insert(new SortArgs(['reports']));
    await this.river.insert(new SortArgs(['default']));
  }
}

test('an application with forRootAsync and a request-scoped provider works in memory', async () => {
  const builder = Test.createTestingModule({ imports: [AppModule] });
  const module = await RiverTestingModule.override(builder).compile();
  const app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  const headers = { 'x-tenant': 'acme', connection: 'close' };
  const post = async (order: number): Promise<number> =>
    (await fetch(`${await app.getUrl()}/orders/${order}`, { method: 'POST', headers })).status;
  expect(await post(7)).toBe(201);
  expect(await post(0)).toBe(500);
  const river = RiverTestingModule.client(app);
  const job = await requireInserted(river, SendReceipt, { metadata: { tenant: 'acme' } });
  expect(job.args).toEqual({ order: 7 });
  const { job: other } = await river.insert(new SortArgs([]));
  expect(other.maxAttempts).toBe(4);
  await app.close();
});

test('two named clients are two fakes, whose mockers may be nested in any order', async () => {
  const river = await createFakeRiver();
  const reports = await createFakeRiver({ name: 'reports' });
  const mocked = jest.fn(() => ({}));
  for (const mocker of [
    river.mocker(reports.mocker(mocked)),
    reports.mocker(river.mocker(mocked)),
  ]) {
    const module = await Test.createTestingModule({ providers: [ReportsService] })
      .useMocker(mocker)
      .compile();
    await module.get(ReportsService).build();
    await requireInserted(reports.river, SortArgs, { args: { strings: ['reports'] } });
    await requireInserted(river.river, SortArgs, { args: { strings: ['default'] } });
    await requireNotInserted(river.river, SortArgs, { args: { strings: ['reports'] } });
    await module.close();
    river.river.clear();
    reports.river.clear();
  }
  expect(mocked).not.toHaveBeenCalled();
  await river.close();
  await reports.close();
});
