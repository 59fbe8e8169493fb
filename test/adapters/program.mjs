// Runs the cases on one way to open a transaction, over the build, as users have it:
//   node test/adapters/program.mjs 'our own helper' postgres://...
// Prints a line of JSON: the cases, each with what went wrong or null. With a third argument, which
// says whether the module is given its `transactionSource`: what is warned about at the start.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import pg from 'pg';
import { DataSource, EntitySchema } from 'typeorm';
import { CASES } from './cases.mjs';
import { ours, WAYS } from './ways.mjs';

const [name, url, source] = process.argv.slice(2);
const {
  service,
  modules = [],
  prepare = (dataSource) => dataSource,
  transactionSource,
} = WAYS[name]();

const Order = new EntitySchema({
  name: 'order',
  tableName: 'orders',
  columns: { id: { type: Number, primary: true, generated: true }, item: { type: String } },
});

const Ours = ours();

class AppModule {}
Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({
        type: 'postgres',
        url,
        entities: [Order],
        synchronize: true,
        extra: { query_timeout: 60_000, connectionTimeoutMillis: 10_000 },
      }),
      dataSourceFactory: async (options) => prepare(await new DataSource(options).initialize()),
    }),
    ...modules,
    RiverModule.forRoot({
      notify: { cooldownMs: 0 },
      ...(source !== 'without' && { transactionSource }),
    }),
  ],
  providers: [service, Ours],
})(AppModule);

const warnings = [];
const app = await NestFactory.createApplicationContext(AppModule, {
  logger: { log() {}, error: console.error, warn: (message) => warnings.push(message) },
  abortOnError: false,
});
if (source !== undefined) {
  await app.close();
  console.log(JSON.stringify(warnings));
  process.exit();
}
const client = new pg.Client({ connectionString: url });
await client.connect();

/** @type {import('./cases.mjs').Bench} */
const bench = {
  river: app.get(RiverClient),
  transaction: app.get(RiverTransaction),
  service: app.get(service),
  ours: app.get(Ours),
  repository: app.get(DataSource).getRepository(Order),
  async stored() {
    const orders = await client.query('select item from orders order by id');
    const jobs = await client.query('select from river_job');
    return { orders: orders.rows.map(({ item }) => item), jobs: jobs.rows.length };
  },
  async listening(work) {
    const heard = [];
    const hear = ({ payload }) => heard.push(JSON.parse(payload).queue);
    client.on('notification', hear);
    await client.query('listen "public.river_insert"');
    await work(heard);
    await client.query('unlisten *');
    client.removeListener('notification', hear);
    return heard;
  },
};

const results = {};
for (const [what, run] of Object.entries(CASES)) {
  results[what] = await run(bench).then(
    () => null,
    (error) => String(error?.stack ?? error),
  );
  await client.query('truncate orders, river_job');
}
await client.end();
await app.close();
console.log(JSON.stringify(results));
