import type { DynamicModule, INestApplicationContext, Provider } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { resolveOptions } from '../client/options/resolved-options.js';
import { RIVER_PARTS, type RiverParts } from '../river.providers.js';
import type { RiverModuleForRootOptions } from '../river.module-options.js';
import { RiverModule } from '../river.module.js';
import { getRiverClientToken, getRiverTransactionToken } from '../tokens.js';
import { FakeRiverClient } from './fake-river-client.js';
import { FakeRiverTransaction } from './fake-river-transaction.js';
import { optionsInMemory, standInFor } from './stand-ins.js';

/** What is used of the builder that `Test.createTestingModule()` returns. */
interface Overridable<Builder> {
  overrideProvider(token: unknown): { useValue(value: unknown): Builder };
}

/**
 * `RiverModule` without a database: River's tables are in memory, and everything else is the real thing.
 *
 * @example
 * const app = await Test.createTestingModule({
 *   imports: [RiverTestingModule.forRoot(), OrdersModule],
 * }).compile();
 * const river = RiverTestingModule.client(app);
 */
export class RiverTestingModule {
  /** In place of `RiverModule.forRoot()`, with the same options. */
  static forRoot(options: RiverModuleForRootOptions = {}): DynamicModule {
    const module = RiverModule.forRoot(options);
    const parts = { provide: RIVER_PARTS, useValue: fakeParts() };
    const isOwn = (provider: Provider): boolean =>
      typeof provider === 'object' && provider.provide === RIVER_PARTS;
    return {
      ...module,
      providers: module.providers?.map((each) => (isOwn(each) ? parts : each)),
    };
  }

  /**
   * Takes the database from every `RiverModule` that the modules of a test import.
   *
   * @example
   * const builder = Test.createTestingModule({ imports: [AppModule] });
   * const app = await RiverTestingModule.override(builder).compile();
   */
  static override<Builder extends Overridable<Builder>>(builder: Builder): Builder {
    return builder.overrideProvider(RIVER_PARTS).useValue(fakeParts());
  }

  /** The client of an application, or of a module of a test. */
  static client(app: Pick<INestApplicationContext, 'get'>, name?: string): FakeRiverClient {
    return app.get(getRiverClientToken(name), { strict: false });
  }

  /** Its transaction helper. */
  static transaction(
    app: Pick<INestApplicationContext, 'get'>,
    name?: string,
  ): FakeRiverTransaction {
    return app.get(getRiverTransactionToken(name), { strict: false });
  }
}

/** Clients of one data source share its stand-in, and so its transactions. */
function fakeParts(): RiverParts {
  const standIns = new Map<DataSource | string, Promise<DataSource>>();
  return {
    hasDatabase: false,
    options: (given) => optionsInMemory(resolveOptions(given)),
    dataSource: (found, what, { joinRepositories }) => {
      const made = standIns.get(found ?? what) ?? standInFor(found, joinRepositories);
      standIns.set(found ?? what, made);
      return made;
    },
    client: (...args) => new FakeRiverClient(...args),
    transaction: (...args) => new FakeRiverTransaction(...args),
  };
}
