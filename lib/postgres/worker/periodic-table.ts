import { DatabaseError } from '../../errors/database-errors.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import type { Connection } from '../connection/connection.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, unpreparedStatement, type Statement } from '../connection/statement.js';
import type { TextRow } from '../driver/pg-client.js';
import { epochMilliseconds, timestamp } from '../rows/timestamp.js';

/** The table of the periodic jobs worked in Nest: for each the last time for which it was inserted. */
const TABLE = 'nestjs_river_periodic';
const FORBIDDEN = '42501';
const OPERATION = 'periodic job';

const NOW = `${epochMilliseconds('pg_catalog.clock_timestamp()')} AS now`;

/** What is known of a periodic job. All times are milliseconds of the database's clock. */
export interface KnownPeriodicJob {
  /** The last time for which it was inserted; -Infinity: never. */
  readonly dueAt: number;
  readonly now: number;
}

/**
 * Remembers which due times of periodic jobs are dealt with. It is a table of its own, since a row of
 * `river_job` does not say for which time it was inserted once it was retried or snoozed, and is gone
 * when it was deleted; and no column of a row may be used for it, which would be seen by Go.
 */
export class PeriodicTable {
  readonly #name: string;
  readonly #find: Statement;
  readonly #create: Statement;
  readonly #register: Statement;
  readonly #look: Statement;
  readonly #claim: Statement;
  readonly #claimStart: Statement;

  constructor({ prefix }: SchemaName) {
    const table = (this.#name = prefix + TABLE);
    this.#find = unpreparedStatement(
      OPERATION,
      'SELECT pg_catalog.to_regclass($1) IS NOT NULL AS present',
    );
    this.#create = unpreparedStatement(OPERATION, creation(table));
    this.#register = unpreparedStatement(
      OPERATION,
      `WITH added AS (
  INSERT INTO ${table} (id) SELECT given.id FROM pg_catalog.unnest($1::pg_catalog.text[]) AS given(id)
  ON CONFLICT (id) DO NOTHING
)
SELECT ${NOW}, given.id, ${epochMilliseconds('known.due_at')} AS due
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS given(id)
LEFT JOIN ${table} AS known ON known.id OPERATOR(pg_catalog.=) given.id`,
    );
    this.#look = statement(
      OPERATION,
      `SELECT ${NOW}, ${epochMilliseconds('due_at')} AS due FROM ${table}
WHERE id OPERATOR(pg_catalog.=) $1`,
    );
    // A process that froze in its transaction must not keep the others waiting; the server ends it.
    this.#claim = statement(
      OPERATION,
      `UPDATE ${table} SET due_at = $2::pg_catalog.timestamptz
WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY(
  SELECT id FROM ${table} WHERE id OPERATOR(pg_catalog.=) $1
    AND due_at OPERATOR(pg_catalog.<) $2::pg_catalog.timestamptz FOR UPDATE SKIP LOCKED
))
RETURNING pg_catalog.set_config('idle_in_transaction_session_timeout', '10s', true)`,
    );
    this.#claimStart = statement(
      OPERATION,
      `UPDATE ${table} SET started_at = pg_catalog.now()
WHERE id OPERATOR(pg_catalog.=) $1 AND started_at OPERATOR(pg_catalog.<)
  (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $2::pg_catalog.float8))
RETURNING pg_catalog.set_config('idle_in_transaction_session_timeout', '10s', true)`,
    );
  }

  /**
   * Makes the table where there is none, and a row for each id.
   *
   * @returns what was known of each before
   * @throws RiverConfigurationError when the role must not create the table, or write to it
   */
  async register(
    connection: Connection,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, KnownPeriodicJob>> {
    try {
      if (!(await this.#isThere(connection))) await this.#make(connection);
      const rows = await connection.run(this.#register, [ids]);
      return new Map(rows.map((row) => [row['id'] ?? '', known(row)]));
    } catch (error) {
      const isForbidden = error instanceof DatabaseError && error.sqlState === FORBIDDEN;
      throw isForbidden ? forbidden(this.#name, error) : error;
    }
  }

  async look(connection: Connection, id: string): Promise<KnownPeriodicJob | undefined> {
    const [row] = await connection.run(this.#look, [id]);
    return row && known(row);
  }

  /**
   * Takes a due time, until the transaction ends.
   *
   * @returns false when it is taken already, or another process is about to take it
   */
  async claim(connection: Connection, id: string, due: Date): Promise<boolean> {
    const rows = await connection.run(this.#claim, [id, timestamp(due)]);
    return rows.length > 0;
  }

  /** Takes the start of the fleet, unless another process took it within the last so many seconds. */
  async claimStart(connection: Connection, id: string, seconds: number): Promise<boolean> {
    const rows = await connection.run(this.#claimStart, [id, seconds]);
    return rows.length > 0;
  }

  async #isThere(connection: Connection): Promise<boolean> {
    const [row] = await connection.run(this.#find, [this.#name]);
    return row?.['present'] === 't';
  }

  async #make(connection: Connection): Promise<void> {
    try {
      await connection.run(this.#create, []);
    } catch (error) {
      // IF NOT EXISTS does not help when two processes create it at once.
      if (!(await this.#isThere(connection))) throw error;
    }
  }
}

function creation(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
  id pg_catalog.text PRIMARY KEY,
  due_at pg_catalog.timestamptz NOT NULL DEFAULT '-infinity',
  started_at pg_catalog.timestamptz NOT NULL DEFAULT '-infinity'
)`;
}

function known(row: TextRow): KnownPeriodicJob {
  return { dueAt: Number(row['due'] ?? -Infinity), now: Number(row['now']) };
}

function forbidden(table: string, cause: unknown): RiverConfigurationError {
  return new RiverConfigurationError(
    `RiverWorkerModule: the database role must not create or change the table ${table}, in which periodic ` +
      `jobs are remembered. Run once as the owner of the schema: ${creation(table).replace(/\s+/g, ' ')}; ` +
      `GRANT SELECT, INSERT, UPDATE ON ${table} TO the role;`,
    { code: 'RIVER_PERIODIC_TABLE', cause },
  );
}
