import { Inject, Injectable, Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  getRiverClientToken,
  jobArgs,
  RiverClient,
  RiverConfigurationError,
  RiverModule,
  type RiverModuleOptions,
  type RiverOptionsFactory,
} from 'nestjs-river';
import { createDataSource, createTestDatabase } from '../support/index.js';
import {
  configurationError,
  silence,
  typeOrm,
  withApplication,
  type Imports,
} from './applications.js';

const ATTEMPTS = Symbol('attempts');

@Module({ providers: [{ provide: ATTEMPTS, useValue: 11 }], exports: [ATTEMPTS] })
class SettingsModule {}

@Injectable()
class Settings implements RiverOptionsFactory {
  constructor(@Inject(ATTEMPTS) private readonly maxAttempts: number) {}

  createRiverOptions(): RiverModuleOptions {
    return { maxAttempts: this.maxAttempts };
  }
}

@Injectable()
class SlowSettings implements RiverOptionsFactory {
  async createRiverOptions(): Promise<RiverModuleOptions> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { maxAttempts: 12 };
  }
}

@Module({ imports: [SettingsModule], providers: [Settings], exports: [Settings] })
class ExistingSettingsModule {}

let dataSource: DataSource;
beforeAll(async () => {
  silence();
  dataSource = await createDataSource(await createTestDatabase());
});
afterAll(() => dataSource.destroy());

/** Tells by the job's row which options arrived. */
const maxAttempts = (imports: Imports, name?: string): Promise<number> =>
  withApplication(imports, async (app) => {
    const river = app.get<RiverClient>(getRiverClientToken(name));
    return (await river.insert(jobArgs('job', {}))).job.maxAttempts;
  });

describe('forRootAsync', () => {
  test('takes options from useFactory', async () => {
    const module = RiverModule.forRootAsync({ dataSource, useFactory: () => ({ maxAttempts: 3 }) });
    expect(await maxAttempts([module])).toBe(3);
  });

  test('awaits useFactory, and gives it what it injects from its imports', async () => {
    const module = RiverModule.forRootAsync({
      dataSource,
      imports: [SettingsModule],
      inject: [ATTEMPTS],
      useFactory: async (attempts: number) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { maxAttempts: attempts };
      },
    });
    expect(await maxAttempts([module])).toBe(11);
  });

  test('gives the factory its extraProviders', async () => {
    const module = RiverModule.forRootAsync({
      dataSource,
      extraProviders: [{ provide: ATTEMPTS, useValue: 4 }],
      inject: [ATTEMPTS],
      useFactory: (attempts: number) => ({ maxAttempts: attempts }),
    });
    expect(await maxAttempts([module])).toBe(4);
  });

  test('makes the class of useClass, with what it injects', async () => {
    const imports = [SettingsModule];
    const module = RiverModule.forRootAsync({ dataSource, imports, useClass: Settings });
    expect(await maxAttempts([module])).toBe(11);
  });

  test('awaits the class of useClass', async () => {
    const module = RiverModule.forRootAsync({ dataSource, useClass: SlowSettings });
    expect(await maxAttempts([module])).toBe(12);
  });

  test('uses the provider of useExisting', async () => {
    const imports = [ExistingSettingsModule];
    const module = RiverModule.forRootAsync({ dataSource, imports, useExisting: Settings });
    expect(await maxAttempts([module])).toBe(11);
  });

  test('takes name, data source and options together', async () => {
    const module = RiverModule.forRootAsync({
      name: 'billing',
      dataSource,
      useFactory: () => ({ maxAttempts: 5 }),
    });
    expect(await maxAttempts([module], 'billing')).toBe(5);
  });

  test('takes the name of a data source of TypeOrmModule', async () => {
    const database = await createTestDatabase();
    const module = RiverModule.forRootAsync({
      dataSource: 'jobs',
      useFactory: () => ({ maxAttempts: 6 }),
    });
    expect(await maxAttempts([module, typeOrm(database, 'jobs')])).toBe(6);
  });

  test('passes on the error of the factory', async () => {
    const thrown = new Error('no settings');
    const module = RiverModule.forRootAsync({
      dataSource,
      useFactory: () => Promise.reject(thrown),
    });
    await expect(maxAttempts([module])).rejects.toBe(thrown);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'options'],
    ['a number', 7],
  ])('refuses a factory that answers %s', async (_what, answer) => {
    const module = RiverModule.forRootAsync({ dataSource, useFactory: () => answer as never });
    expect(await configurationError([module])).toMatchObject({
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'options',
    });
  });

  test('checks the options of the factory as forRoot does', async () => {
    const module = RiverModule.forRootAsync({
      dataSource,
      useFactory: () => ({ maxAttempts: 0 }),
    });
    expect(await configurationError([module])).toMatchObject({
      code: 'RIVER_INVALID_MODULE_OPTIONS',
      field: 'maxAttempts',
    });
  });

  test('without factory and class says what is missing', () => {
    const declare = () => RiverModule.forRootAsync({ dataSource });
    expect(declare).toThrow(RiverConfigurationError);
    expect(declare).toThrow('useFactory');
  });
});
