// `pg` without a library: named statements, all columns back, no notification; COPY by pg-copy-streams.
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline as flow } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { argsOf, each, eachAsync, INSERT_ORDER, orderOf } from '../job.mjs';
import {
  COPIED,
  INSERT_MANY,
  INSERT_UNIQUE,
  insertOne,
  manyValuesOf,
  uniqueValuesOf,
  valuesOf,
} from './river-sql.mjs';

// The very `pg` that TypeORM loads, not a second copy beside the peers.
const pg = createRequire(new URL('../../../package.json', import.meta.url))('pg');
const COPY = `COPY public.river_job (${COPIED}) FROM STDIN`;
const CHUNK_LENGTH = 64 * 1024;

export async function open({ url, pipeline }) {
  const pool = new pg.Pool({ connectionString: url, max: 10, pipeline });

  async function withClient(use) {
    const client = await pool.connect();
    try {
      return await use(client);
    } finally {
      client.release();
    }
  }
  const copy = (chunks) =>
    withClient((client) => flow(Readable.from(chunks), client.query(copyFrom(COPY))));

  return {
    insert: (number, schema) => pool.query(one(number, schema)),
    insertUnique: (number) =>
      pool.query({ name: 'unique', text: INSERT_UNIQUE, values: uniqueValuesOf(number) }),
    insertMany: (first, count) =>
      pool.query({ name: 'many', text: INSERT_MANY, values: manyValuesOf(first, count) }),
    insertBulk: (first, count) => copy(chunksOf(each(first, count, lines()))),
    insertStream: (first, count) => copy(chunksOf(eachAsync(first, count, lines()))),
    transaction: (number) =>
      withClient((client) => (pipeline ? pipelined(client, number) : transaction(client, number))),
    close: () => pool.end(),
  };
}

function one(number, schema) {
  return { name: `one ${schema}`, text: insertOne(schema), values: valuesOf(number) };
}

async function transaction(client, number) {
  await client.query('BEGIN');
  await client.query(INSERT_ORDER, orderOf(number));
  await client.query(one(number, 'public'));
  await client.query('COMMIT');
}

/** All four statements are sent before the first answer is there. */
function pipelined(client, number) {
  return Promise.all([
    client.query('BEGIN'),
    client.query(INSERT_ORDER, orderOf(number)),
    client.query(one(number, 'public')),
    client.query('COMMIT'),
  ]);
}

/** Makes lines of COPY. What is the same in all rows is written once, with one reading of the clock. */
function lines() {
  const [, ...rest] = valuesOf(0);
  const same = `\t${rest.join('\t')}\n`;
  return (number) => JSON.stringify(argsOf(number)).replaceAll('\\', '\\\\') + same;
}

async function* chunksOf(rows) {
  let chunk = '';
  for await (const row of rows) {
    chunk += row;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield Buffer.from(chunk);
    chunk = '';
  }
  yield Buffer.from(chunk);
}
