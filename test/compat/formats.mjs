/**
 * The package as an ES module and as CommonJS, in one process. Run in the folder where it is
 * installed, with the URL of a database.
 */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as esm from 'nestjs-river';
import { DataSource } from 'typeorm';

const require = createRequire(import.meta.url);
const QUIET = { logger: false, abortOnError: false };
const OTHER_COPY = { code: 'RIVER_OTHER_COPY' };

const SUBPATHS = ['', '/entities', '/migrations', '/testing', '/worker'];
for (const subpath of SUBPATHS) {
  const imported = await import(`nestjs-river${subpath}`);
  const required = require(`nestjs-river${subpath}`);
  for (const name of Object.keys(imported)) assert.equal(required[name], imported[name], name);
}
console.log('ok   import and require give one copy');

const cjs = require('./node_modules/nestjs-river/dist/cjs/lib/index.js');
assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
assert.notEqual(cjs.RiverClient, esm.RiverClient);

const [, , url] = process.argv;
const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
const copies = /** @type {const} */ ([
  [esm, cjs],
  [cjs, esm],
]);
const stored = async () => {
  const rows = await dataSource.query(
    'select kind, queue, max_attempts from river_job order by id',
  );
  await dataSource.query('truncate river_job');
  return rows;
};

for (const [own, other] of copies) {
  const river = new own.RiverClient(dataSource, { notify: false });
  class Receipt {
    id = 1;
  }
  other.JobArgs('receipt', { queue: 'slow', maxAttempts: 5 })(Receipt);
  other.UniqueArg()(Receipt.prototype, 'id');
  const { job } = await river.insert(new Receipt());
  assert.ok(job instanceof other.JobRow);
  await river.insertMany([other.InsertManyParams.of(other.jobArgs('raw', other.rawJson('{}')))]);
  assert.deepEqual(await stored(), [
    { kind: 'receipt', queue: 'slow', max_attempts: 5 },
    { kind: 'raw', queue: 'default', max_attempts: 25 },
  ]);
  assert.ok(new own.JobNotFoundError('1') instanceof other.JobNotFoundError);
}
console.log('ok   the formats understand the values of each other');

for (const [own, other] of copies) {
  const river = new other.RiverClient(dataSource, { notify: false });
  await new own.RiverTransaction('default', dataSource).run(async (manager) => {
    await assert.rejects(river.insert(own.jobArgs('apart', {})), OTHER_COPY);
    await river.insertTx(manager, own.jobArgs('together', {}));
  });
  assert.deepEqual(
    (await stored()).map(({ kind }) => kind),
    ['together'],
  );
}
console.log('ok   a transaction of the other format is joined only by name');

for (const [own, other] of copies) {
  class AppModule {}
  Module({ imports: [own.RiverModule.forRoot({ dataSource })] })(AppModule);
  class SecondModule {}
  Module({ imports: [other.RiverModule.forRoot({ dataSource })] })(SecondModule);
  const app = await NestFactory.createApplicationContext(AppModule, QUIET);
  await assert.rejects(NestFactory.createApplicationContext(SecondModule, QUIET), OTHER_COPY);
  await app.close();
}
console.log('ok   a module of the other format on the same data source is rejected');
await dataSource.destroy();
