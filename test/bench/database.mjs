// The database of a run: on a server of its own, or on one that was given; River's tables, the
// business table of the transactions, and River's tables once more for each size to be filled.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { RiverMigrator } from '../../dist/lib/migrations/index.js';
import { startEmbedded } from '../support/server/embedded.mjs';
import { fillTable } from './fill-table.mjs';

/** What differs from a server's defaults: nothing of a timer's begins in the middle of a round. */
const SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  autovacuum: 'off',
  checkpoint_timeout: '1h',
  max_wal_size: '8GB',
};
const SHOWN = [
  'fsync',
  'synchronous_commit',
  'autovacuum',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
];
const CREATE_ORDERS =
  'create table bench_order (id bigserial primary key, customer text not null, total int not null)';

/** @param given URL of a server; without one, an embedded server is started */
export async function openDatabase(given) {
  const server = given
    ? { url: given, stop: async () => undefined }
    : await startEmbedded(SETTINGS);
  const name = `river_bench_${randomBytes(4).toString('hex')}`;
  try {
    await once(server.url, `create database "${name}" template template0`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const database = new Database(url.href, client, async () => {
      await client.end();
      await once(server.url, `drop database if exists "${name}" with (force)`);
      await server.stop();
    });
    await database.createRiver('public');
    await client.query(CREATE_ORDERS);
    return database;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

class Database {
  #client;

  constructor(url, client, close) {
    this.url = url;
    this.#client = client;
    this.close = close;
  }

  async createRiver(schema) {
    await this.#client.query(`create schema if not exists ${schema}`);
    await new RiverMigrator(this.#client, { schema }).migrate({ direction: 'up' });
    // Also on a server that was given: what a vacuum takes away cannot be counted.
    await this.#client.query(`alter table ${schema}.river_job set (autovacuum_enabled = false)`);
  }

  async fill(schema, jobs) {
    await this.empty([`${schema}.river_job`]);
    await fillTable(this.#client, schema, jobs);
  }

  async #number(sql, values) {
    const { rows } = await this.#client.query({ text: sql, values, rowMode: 'array' });
    return Number(rows[0][0]);
  }

  count(table) {
    return this.#number(`select count(*) from ${table}`);
  }

  async empty(tables) {
    await this.#client.query(`truncate ${tables.join(', ')}`);
  }

  /** Writes out what the steps before left behind, so that none pays for another. */
  async checkpoint() {
    await this.#client.query('checkpoint');
  }

  /**
   * Row versions of a schema's tables that died, as far as can be told: those that an update or a
   * delete replaced, since pruning takes them out of the count of the dead; at least the dead there are.
   * To be asked when nobody else is connected any more: then all counts have arrived.
   */
  async deadRows(schema) {
    const others =
      'select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    for (let tries = 0; tries < 50 && (await this.#number(others)) > 0; tries++) {
      await this.#client.query('select pg_sleep(0.1)');
    }
    return await this.#number(
      `select coalesce(sum(greatest(n_tup_upd + n_tup_del, n_dead_tup)), 0)
       from pg_stat_user_tables where schemaname = $1`,
      [schema],
    );
  }

  async describe() {
    const { rows } = await this.#client.query(
      'select name, current_setting(name) as value from pg_settings where name = any ($1) order by name',
      [['server_version', ...SHOWN]],
    );
    const all = new Map(rows.map(({ name, value }) => [name, value]));
    const version = all.get('server_version').split(' ')[0];
    return { version, settings: SHOWN.map((name) => `${name} ${all.get(name)}`).join(', ') };
  }
}

async function once(url, sql) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
