import pg from 'pg';
import { SERVER_VARIABLE } from '../server/run-state.mjs';
import { GuardError, untilNone } from './guard-error.mjs';

/**
 * Under this key of its global object a test file keeps the set of databases it made. The other
 * end is `test-database.ts`.
 */
const DATABASES = Symbol.for('nestjs-river.test.databases');

const SESSIONS = `
  select pid, state, application_name, left(query, 300) as query
  from pg_stat_activity
  where datname = any($1) and backend_type = 'client backend'
  order by pid`;

/** @typedef {{ pid: number, state: string, application_name: string, query: string }} Session */

/**
 * Asks the server which connections to the file's databases are in a transaction after a test, and
 * which are there at all at the file's end; then drops the databases.
 */
export class ConnectionGuard {
  #global;
  /** @type {pg.Client | undefined} */
  #client;

  /** @param {object} global The global object of the test file. */
  constructor(global) {
    this.#global = /** @type {Record<symbol, Set<string> | undefined>} */ (global);
  }

  /** @returns {Promise<GuardError[]>} */
  async afterTest() {
    const left = await untilNone(async () => (await this.#sessions()).filter(isInTransaction));
    return left.map(
      (session) =>
        new GuardError(
          `A connection was left ${describe(session)}\nEnd the transaction in the test.`,
        ),
    );
  }

  /** @returns {Promise<GuardError[]>} */
  async afterFile() {
    const left = await untilNone(() => this.#sessions());
    for (const name of this.#databases) {
      await (await this.#connected()).query(`drop database if exists "${name}" with (force)`);
    }
    await this.#client?.end();
    return left.map(
      (session) =>
        new GuardError(
          `A connection was left open, ${describe(session)}\nClose its client, pool or data source.`,
        ),
    );
  }

  get #databases() {
    return [...(this.#global[DATABASES] ?? [])];
  }

  /** @returns {Promise<Session[]>} */
  async #sessions() {
    const databases = this.#databases;
    if (databases.length === 0) return [];
    const { rows } = await (await this.#connected()).query(SESSIONS, [databases]);
    return rows;
  }

  /** Files without a database never connect. */
  async #connected() {
    if (this.#client === undefined) {
      const { url } = JSON.parse(process.env[SERVER_VARIABLE] ?? '{}');
      this.#client = new pg.Client({ connectionString: url });
      await this.#client.connect();
    }
    return this.#client;
  }
}

/** @param {Session} session */
function isInTransaction({ state }) {
  return state !== 'idle';
}

/** @param {Session} session */
function describe({ state, application_name: application, query }) {
  return `${state}${application ? ` (${application})` : ''}. Its last statement: ${query || '(none)'}`;
}
