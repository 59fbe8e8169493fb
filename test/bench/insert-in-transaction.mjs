// One transaction of a `pg` client, written by hand, with a business row and a job: what it takes with a
// hand-written insert of the job, and with insertTx, notifying and not. Alternating, on one server.
//
//   npm run build && node test/bench/insert-in-transaction.mjs [--iterations 4000] [--url postgres://…]
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { DataSource } from 'typeorm';
import { JobArgs, RiverClient } from '../../dist/lib/index.js';
import { createDatabase } from '../chaos/database.mjs';
import { alternate } from './alternate.mjs';

const { values: given } = parseArgs({
  options: { iterations: { type: 'string', default: '4000' }, url: { type: 'string' } },
});

class SendReceipt {
  constructor(orderId) {
    this.orderId = orderId;
  }
}
JobArgs('send_receipt')(SendReceipt);

const BY_HAND = `insert into river_job
  (args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning *`;

const database = await createDatabase(given.url);
const dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
await dataSource.query('create table bench_order (id serial primary key, item text not null)');
const pool = dataSource.driver.master;
const rivers = {
  notifying: new RiverClient(dataSource, {}),
  silent: new RiverClient(dataSource, { notify: false }),
};

async function inTransaction(item, insertJob) {
  const client = await pool.connect();
  await client.query('begin');
  const { rows } = await client.query({
    name: 'order',
    text: 'insert into bench_order (item) values ($1) returning id',
    values: [item],
  });
  await insertJob(client, new SendReceipt(rows[0].id));
  await client.query('commit');
  client.release();
}

const ways = {
  'by hand': (item) =>
    inTransaction(item, (client, args) =>
      client.query({
        name: 'job',
        text: BY_HAND,
        values: [
          JSON.stringify(args),
          'send_receipt',
          25,
          '{}',
          1,
          'default',
          new Date(),
          'available',
          [],
        ],
      }),
    ),
  'insertTx, notify: false': (item) =>
    inTransaction(item, (client, args) => rivers.silent.insertTx(client, args)),
  insertTx: (item) =>
    inTransaction(item, (client, args) => rivers.notifying.insertTx(client, args)),
};

await alternate(ways, {
  iterations: Number(given.iterations),
  description: database.description,
});
for (const river of Object.values(rivers)) await river.beforeApplicationShutdown();
await dataSource.destroy();
await database.drop();
