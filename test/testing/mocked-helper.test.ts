import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import {
  getRiverTransactionToken,
  RiverClient,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';
import { RiverTestingModule } from 'nestjs-river/testing';
import { automaticMock } from './automatic-mock.js';
import { SortArgs } from './sides.js';

@Injectable()
class OrdersService {
  calls = 0;

  constructor(@Inject(RiverClient) private readonly river: RiverClient) {}

  @RiverTransactional()
  async place(): Promise<string> {
    this.calls++;
    await this.river.insert(new SortArgs([]));
    return 'placed';
  }
}

@Controller('orders')
class OrdersController {
  @Get()
  @RiverTransactional()
  find(): Promise<string[]> {
    return Promise.resolve(['book']);
  }
}

let module: TestingModule | undefined;
afterEach(() => module?.close());

async function ordersWith(mock: () => unknown): Promise<OrdersService> {
  module = await Test.createTestingModule({ providers: [OrdersService] })
    .useMocker(mock)
    .compile();
  return module.get(OrdersService);
}

const MOCKS: readonly (readonly [name: string, mock: () => unknown])[] = [
  ['an automatic mock with every property', automaticMock],
  ['a mock that returns undefined', () => ({ run: jest.fn() })],
  ['a mock that resolves', () => ({ run: jest.fn(() => Promise.resolve('placed')) })],
  ['a stub made of the prototype', stubbed],
  ['an empty object', () => ({})],
];

function stubbed(): unknown {
  return Object.assign(Object.create(RiverTransaction.prototype) as object, {
    run: () => undefined,
  });
}

const NOT_RUN =
  /^@RiverTransactional\(\): place did not run.*useMocker\(mocker\(\.\.\.\)\).*createFakeRiver/;

describe('a method with @RiverTransactional()', () => {
  test.each(MOCKS)('is rejected beside %s, and says what to use', async (_name, mock) => {
    const orders = await ordersWith(mock);
    const placing = orders.place();
    await expect(placing).rejects.toThrow(NOT_RUN);
    await expect(placing).rejects.toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS' });
    expect(orders.calls).toBe(0);
  });

  test('runs beside a mock that calls the work', async () => {
    const run = (_options: unknown, work: () => Promise<unknown>): Promise<unknown> => work();
    const orders = await ordersWith(() => ({ run, insert: jest.fn() }));
    await expect(orders.place()).resolves.toBe('placed');
  });

  test('passes on the error of a mock that rejects', async () => {
    const orders = await ordersWith(() => ({ run: () => Promise.reject(new Error('no server')) }));
    await expect(orders.place()).rejects.toThrow('no server');
  });
});

test('where only the client is mocked, the error of Nest says what to import', async () => {
  const compiling = Test.createTestingModule({
    providers: [OrdersService, { provide: RiverClient, useValue: { insert: jest.fn() } }],
  }).compile();
  await expect(compiling).rejects.toThrow(/@RiverTransactional\(\).*in tests, RiverTestingModule/);
});

test('a handler is rejected beside a mock that does not call it', async () => {
  module = await Test.createTestingModule({
    imports: [RiverTestingModule.forRoot()],
    controllers: [OrdersController],
  })
    .overrideProvider(getRiverTransactionToken())
    .useValue({ run: () => Promise.resolve(['mocked']) })
    .compile();
  const app = module.createNestApplication({ logger: false });
  const errors: unknown[] = [];
  app.useGlobalFilters({
    catch: (error, host) => {
      errors.push(error);
      host.switchToHttp().getResponse<{ end(): void }>().end();
    },
  });
  await app.listen(0, '127.0.0.1');
  await fetch(`${await app.getUrl()}/orders`, { headers: { connection: 'close' } });
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('mock') })]);
  await app.close();
});
