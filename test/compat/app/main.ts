import 'reflect-metadata';
import assert from 'node:assert/strict';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getRiverClientToken, RiverConfigurationError, type RiverClient } from 'nestjs-river';
import { DataSource } from 'typeorm';
import { check, exitCode } from './check.js';
import { counter, insertChecks } from './insert-checks.js';
import { joinChecks, replicationChecks } from './join-checks.js';
import {
  dataSourceOptions,
  NameTakenModule,
  NoDataSourceModule,
  PartsModule,
  ShopModule,
  TwoClients,
  TwoDatabasesModule,
} from './modules.js';
import { OrdersService, SendReceipt } from './orders.js';
import { REFUSED } from './refused.js';
import { schemaChecks } from './schema-checks.js';
import { shutdownChecks } from './shutdown-checks.js';
import { transactionChecks } from './transaction-checks.js';
import { workerChecks } from './worker-checks.js';

const QUIET = { logger: false, abortOnError: false } as const;

/** An application outside of the repository, as a user has one. Takes the URLs of two databases. */
async function main(url: string, otherUrl: string): Promise<void> {
  const shop = await NestFactory.create(ShopModule.with(url), QUIET);
  await shop.init();
  await check('forRoot() is ready when other providers start', async () => {
    assert.equal(shop.get(OrdersService).started, 1);
    assert.equal(shop.get<RiverClient>(getRiverClientToken()).constructor.name, 'RiverClient');
  });
  await insertChecks(shop);
  await transactionChecks(shop);
  await joinChecks(shop);
  await shop.close();
  await replicationChecks(url);
  await schemaChecks(url);
  await shutdownChecks(url);
  await workerChecks(url);

  const instance = await new DataSource(dataSourceOptions(otherUrl)).initialize();
  const two = await NestFactory.createApplicationContext(
    TwoDatabasesModule.with(url, otherUrl, instance),
    QUIET,
  );
  await check('forRootAsync, named clients and a DataSource object', () => namedClients(two));
  await two.close();

  await check('a name that is given twice is refused at the start', () =>
    refusesToStart(NameTakenModule.with(instance), 'RIVER_CLIENT_NAME_TAKEN'),
  );
  for (const [what, parts] of Object.entries(REFUSED)) {
    await check(`${what} is refused at the start`, () =>
      refusesToStart(PartsModule.with(instance, parts), 'RIVER_INVALID_MODULE_OPTIONS'),
    );
  }
  await instance.destroy();
  await check('a data source that is missing is refused at the start', () =>
    refusesToStart(NoDataSourceModule, 'RIVER_DATA_SOURCE_MISSING'),
  );
}

async function namedClients(app: INestApplicationContext): Promise<void> {
  const { first, billing, instance, firstTransaction, billingTransaction } = app.get(TwoClients);
  const jobs = await Promise.all(
    [first, billing, instance].map((each) => each.insert(new SendReceipt(1, 'named'))),
  );
  // The class says 5 itself, so the module's default does not show here ...
  assert.deepEqual(
    jobs.map(({ job }) => job.maxAttempts),
    [5, 5, 5],
  );
  // ... but it does for args that say nothing.
  const plain = await Promise.all(
    [first, billing, instance].map((each) => each.insert({ kind: 'plain' })),
  );
  assert.deepEqual(
    plain.map(({ job }) => job.maxAttempts),
    [7, 9, 3],
  );
  const rolledBack = firstTransaction.run(async () => {
    await first.insert(new SendReceipt(1, 'both'));
    await billing.insert(new SendReceipt(1, 'both'));
    assert.equal(billingTransaction.isActive, false);
    throw new Error('on purpose');
  });
  await assert.rejects(rolledBack, /on purpose/);
  const countFirst = counter(app.get(DataSource));
  const countOther = counter(app.get<DataSource>('otherDataSource'));
  assert.equal(await countFirst('river_job', `args->>'email' = 'both'`), 0);
  assert.equal(await countOther('river_job', `args->>'email' = 'both'`), 1);
}

async function refusesToStart(module: Type | DynamicModule, code: string): Promise<void> {
  const start = NestFactory.createApplicationContext(module, QUIET);
  await assert.rejects(start, (error) => {
    assert.ok(error instanceof RiverConfigurationError);
    return error.code === code;
  });
}

const [url = '', otherUrl = ''] = process.argv.slice(2);
main(url, otherUrl).then(
  // No exit by force: that the process ends by itself is part of what is shown.
  () => (process.exitCode = exitCode()),
  (error: unknown) => {
    console.log('FAIL the application itself\n    ', error);
    process.exit(1);
  },
);
