import { NestFactory } from '@nestjs/core';
import type { InjectionToken } from '@nestjs/common';
import { RiverClient } from '../client/river-client.js';
import type { RiverModuleForRootOptions } from '../river.module-options.js';
import { DEFAULT_RIVER_NAME, getRiverClientToken, getRiverTransactionToken } from '../tokens.js';
import { RiverTransaction } from '../transaction/river-transaction.js';
import type { FakeRiverClient } from './fake-river-client.js';
import type { FakeRiverTransaction } from './fake-river-transaction.js';
import { RiverTestingModule } from './river-testing.module.js';

/** A client without a database and without a module, for objects that a test makes itself. */
export interface FakeRiver {
  readonly river: FakeRiverClient;
  readonly transaction: FakeRiverTransaction;
  /**
   * Gives an object what Nest would inject into its properties, so that its `@RiverTransactional()` methods
   * work.
   *
   * @returns the same object
   */
  readonly inject: <T extends object>(service: T) => T;
  /**
   * For `useMocker` of Nest's testing module: the client and the helper are these, and all else is what
   * `fallback` makes, such as `() => createMock()` of `@golevelup/ts-jest`. A mock of the helper would run nothing.
   */
  readonly mocker: (
    fallback: (token?: InjectionToken) => unknown,
  ) => (token?: InjectionToken) => unknown;
  readonly close: () => Promise<void>;
}

/** Where Nest keeps what `@Inject()` says of the properties of a class. */
const PROPERTIES = 'self:properties_metadata';

interface InjectedProperty {
  readonly key: string | symbol;
  readonly type: unknown;
}

/**
 * @param options as of `RiverModule.forRoot()`
 * @example
 * const { river, inject } = await createFakeRiver();
 * const orders = inject(new OrdersService(river, repository));
 */
export async function createFakeRiver(options: RiverModuleForRootOptions = {}): Promise<FakeRiver> {
  const app = await NestFactory.createApplicationContext(RiverTestingModule.forRoot(options), {
    abortOnError: false,
    logger: ['error', 'warn'],
  });
  const { name } = options;
  const river = RiverTestingModule.client(app, name);
  const transaction = RiverTestingModule.transaction(app, name);
  const provided = new Map<unknown, object>([
    [getRiverClientToken(name), river],
    [getRiverTransactionToken(name), transaction],
  ]);
  // As in RiverModule, the classes stand for the client that has no name.
  if (name === undefined || name === DEFAULT_RIVER_NAME) {
    provided.set(RiverClient, river).set(RiverTransaction, transaction);
  }
  return {
    river,
    transaction,
    inject: (service) => {
      const properties = Reflect.getMetadata(PROPERTIES, service.constructor) as
        readonly InjectedProperty[] | undefined;
      for (const { key, type } of properties ?? []) {
        const value = provided.get(type);
        if (value !== undefined) Object.assign(service, { [key]: value });
      }
      return service;
    },
    mocker: (fallback) => (token) => provided.get(token) ?? fallback(token),
    close: () => app.close(),
  };
}
