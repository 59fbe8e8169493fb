import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Controller, Get, Injectable, Module, Post, UseInterceptors } from '@nestjs/common';
import type {
  CallHandler,
  ExecutionContext,
  INestApplication,
  NestInterceptor,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { DataSource, EntityManager } from 'typeorm';
import {
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
  TransactionManager,
} from 'nestjs-river';
import { countJobs } from '../client/started-client.js';
import { createDataSource, createTestDatabase, type TestDatabase } from '../support/index.js';

/** As an application keeps a request's tenant or log id. */
const tenant = new AsyncLocalStorage<string>();

class TenantInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return tenant.run('acme', () => next.handle());
  }
}

@Controller('shop')
@UseInterceptors(TenantInterceptor)
@RiverTransactional()
class ShopController {
  constructor(
    private readonly river: RiverClient,
    private readonly transaction: RiverTransaction,
  ) {}

  @Post()
  async place(): Promise<boolean> {
    await this.river.insert(jobArgs('placed', {}));
    return this.isIn();
  }

  @Post('failing')
  async fail(): Promise<void> {
    await this.river.insert(jobArgs('failed', {}));
    throw new Error('no');
  }

  @Get()
  synchronous(): boolean {
    return this.isIn();
  }

  @Get('tenant')
  async tenantOfRequest(): Promise<string | undefined> {
    return tenant.getStore();
  }

  /** No handler, and so no promise is made of its answer. */
  isIn(): boolean {
    return this.transaction.isActive;
  }
}

@Controller('named')
class NamedController {
  @Get('audit')
  @RiverTransactional({ name: 'audit' })
  async ofAnother(@TransactionManager() manager: EntityManager): Promise<boolean> {
    return manager.queryRunner?.isTransactionActive ?? false;
  }

  @Get('none')
  async none(@TransactionManager() manager: EntityManager): Promise<string> {
    return manager.constructor.name;
  }
}

let database: TestDatabase;
let dataSource: DataSource;
let app: INestApplication;
beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await createDataSource(database);
  app = await start(dataSource);
});
afterAll(async () => {
  await app.close();
  await dataSource.destroy();
});

async function start(source: DataSource): Promise<INestApplication> {
  @Module({
    imports: [
      RiverModule.forRoot({ dataSource: source }),
      RiverModule.forRoot({ name: 'audit', dataSource: source }),
    ],
    controllers: [ShopController, NamedController],
  })
  class AppModule {}
  const started = await NestFactory.create(AppModule, { logger: false });
  await started.listen(0, '127.0.0.1');
  return started;
}

async function call(path: string, method = 'GET', of = app): Promise<[number, unknown]> {
  const answer = await fetch(`${await of.getUrl()}/${path}`, { method });
  const text = await answer.text();
  return [answer.status, text === '' ? undefined : (JSON.parse(text) as unknown)];
}

test('@RiverTransactional() on a controller stands for each of its handlers', async () => {
  expect(await call('shop', 'POST')).toEqual([201, true]);
  expect((await call('shop/failing', 'POST'))[0]).toBe(500);
  expect(await call('shop')).toEqual([200, true]);
  expect(await countJobs(database)).toBe(1);
});

test('the context that an interceptor before ours opened reaches the handler', async () => {
  const answer = await fetch(`${await app.getUrl()}/shop/tenant`);
  expect(await answer.text()).toBe('acme');
});

test('methods of a decorated controller that are no handlers open no transaction', () => {
  const { transaction } = { transaction: app.get(RiverTransaction) };
  expect(new ShopController(app.get(RiverClient), transaction).isIn()).toBe(false);
});

test('@RiverTransactional() on a class without handlers throws when the class is made', () => {
  class Service {
    async work(): Promise<void> {}
  }
  expect(() => RiverTransactional()(Injectable()(Service) ?? Service)).toThrow('has no handlers');
});

test('@TransactionManager() finds the transaction of its data source, whoever opened it', async () => {
  expect(await call('named/audit')).toEqual([200, true]);
});

test('@TransactionManager() never finds the transaction of another application', async () => {
  const otherSource = await createDataSource(await createTestDatabase());
  const other = await start(otherSource);
  await app.get(RiverTransaction).run(async () => {
    expect((await call('named/none', 'GET', other))[0]).toBe(500);
  });
  await other.close();
  await otherSource.destroy();
});
