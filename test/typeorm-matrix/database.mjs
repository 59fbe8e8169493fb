import pg from 'pg';
import { TABLES } from './entities.mjs';

const all = (write) => TABLES.map(write).join('; ');
const SNAPSHOT = `create schema seed; ${all((t) => `create table seed.${t} as table ${t}`)}`;
const RESTORE = `
  ${all((t) => `delete from ${t}`)};
  ${TABLES.toReversed()
    .map((t) => `insert into ${t} select * from seed.${t}`)
    .join('; ')};`;
// A sequence does not roll back, and a cached result is not data.
const REWIND = `
  select setval(c.oid, 100, false) from pg_class c
  where relkind = 'S' and relnamespace = 'public'::regnamespace and relname not like 'river%';
  delete from "query-result-cache"; delete from river_job;`;
const STATE = `select json_build_object(${TABLES.map(
  (t) => `'${t}', (select coalesce(json_agg(to_jsonb(t) order by to_jsonb(t)), '[]') from ${t} t)`,
).join(', ')}) as state, (select count(*)::int from river_job) as jobs`;

/** What is committed, seen by a connection of its own. */
export class Database {
  #client;

  static async connect(url) {
    const database = new Database();
    database.#client = new pg.Client({ connectionString: url });
    await database.#client.connect();
    await database.#client.query('set synchronous_commit to off');
    return database;
  }

  /** Keeps what is there as that which every call finds. */
  async snapshot() {
    await this.#client.query(SNAPSHOT);
    await this.restore();
    this.seeded = (await this.state()).text;
  }

  async restore() {
    await this.#client.query(`${RESTORE} ${REWIND}`);
  }

  /**
   * All tables as one text, the times in them left out, and the number of jobs. Leaves the sequences
   * as every call finds them, and no jobs.
   */
  async state() {
    const [{ rows }] = await this.#client.query(`${STATE}; ${REWIND}`);
    const [{ state, jobs }] = rows;
    const text = JSON.stringify(state, (name, value) =>
      name.endsWith('At') && value !== null ? '<time>' : value,
    );
    return { text, jobs };
  }

  /** Where two of these texts differ. */
  static difference(text, other) {
    const [tables, others] = [JSON.parse(text), JSON.parse(other)];
    return TABLES.map((name) => [name, JSON.stringify(tables[name]), JSON.stringify(others[name])])
      .filter(([, rows, otherRows]) => rows !== otherRows)
      .map(([name, rows, otherRows]) => `in ${name} ${rows}, not ${otherRows}`)
      .join('; ');
  }

  async end() {
    await this.#client.end();
  }
}
