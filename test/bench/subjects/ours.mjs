// This package as built, with its default options, on a TypeORM data source.
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { JobArgs, RiverClient, RiverTransaction } from '../../../dist/lib/index.js';
import { argsOf, each, eachAsync, INSERT_ORDER, KIND, orderOf } from '../job.mjs';

class Bench {
  constructor(number) {
    Object.assign(this, argsOf(number));
  }
}
JobArgs(KIND)(Bench);

const jobOf = (number) => new Bench(number);
const UNIQUE = { uniqueOpts: { byArgs: true } };

export async function open({ url, pipeline }) {
  const dataSource = new DataSource({ type: 'postgres', url, poolSize: 10, extra: { pipeline } });
  await dataSource.initialize();
  const river = new RiverClient(dataSource, {});
  const clients = new Map([['public', river]]);
  const clientOf = (schema) => {
    const client = clients.get(schema) ?? new RiverClient(dataSource, { schema });
    clients.set(schema, client);
    return client;
  };
  const helper = new RiverTransaction('default', dataSource);

  return {
    insert: (number, schema) => clientOf(schema).insert(jobOf(number)),
    insertUnique: (number) => river.insert(jobOf(number), UNIQUE),
    insertMany: (first, count) =>
      river.insertMany(Array.from({ length: count }, (_, index) => jobOf(first + index))),
    transaction: (number) =>
      pipeline ? pipelined(helper, river, number) : byHand(dataSource.driver.master, river, number),
    transactionOfTypeorm: (number) =>
      dataSource.transaction(async (manager) => {
        await manager.query(INSERT_ORDER, orderOf(number));
        await river.insertTx(manager, jobOf(number));
      }),
    ...fastOperations(river),
    close: async () => {
      for (const client of clients.values()) await client.beforeApplicationShutdown();
      await dataSource.destroy();
    },
  };
}

/** As `raw` does it, but for the insert: that alone is compared. */
async function byHand(pool, river, number) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(INSERT_ORDER, orderOf(number));
    await river.insertTx(client, jobOf(number));
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

function pipelined(helper, river, number) {
  return helper.run((manager) =>
    Promise.all([manager.query(INSERT_ORDER, orderOf(number)), river.insert(jobOf(number))]),
  );
}

/** Only a client that has `insertManyFast` takes part where that is measured. */
function fastOperations(river) {
  if (typeof river.insertManyFast !== 'function') return {};
  return {
    insertBulk: (first, count) => river.insertManyFast(each(first, count, jobOf)),
    insertStream: (first, count) => river.insertManyFast(eachAsync(first, count, jobOf)),
  };
}
