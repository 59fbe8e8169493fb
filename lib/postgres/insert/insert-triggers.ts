import type { Connection } from '../connection/connection.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';
import { now } from '../../real-time.js';

/**
 * How long the answer that there are none is relied on by inserts of one job. The question costs a
 * tenth of such a statement, so that only one in many asks where they follow each other quickly.
 */
const RECHECK_MS = 20;

/**
 * SQL that is true when the table has a trigger that may drop or change rows before they are inserted.
 * Evaluated once per statement. Triggers after the insert change nothing of what it returns, and rules
 * make Postgres refuse what we send.
 */
export function hasTriggers(prefix: string): string {
  return `EXISTS (
  SELECT FROM pg_catalog.pg_trigger WHERE tgrelid OPERATOR(pg_catalog.=) '${prefix}river_job'::pg_catalog.regclass
    AND (tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) ${BEFORE_INSERT_ROW}) OPERATOR(pg_catalog.=) ${BEFORE_INSERT_ROW}
    AND NOT tgisinternal AND tgenabled OPERATOR(pg_catalog.<>) 'D'
)`;
}
/** The bits of `tgtype` for INSERT, BEFORE and FOR EACH ROW. */
const BEFORE_INSERT_ROW = 4 + 2 + 1;

/**
 * Whether the table of jobs has such triggers, as far as we know. Tables without any must not pay for
 * them: statements for several jobs ask with each, those for one job only now and then.
 */
export class InsertTriggers {
  readonly #ask: Statement;
  #exist = false;
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor({ prefix }: SchemaName) {
    this.#ask = statement('trigger check', `SELECT ${hasTriggers(prefix)} AS triggers`);
  }

  get exist(): boolean {
    return this.#exist;
  }

  get isCheckDue(): boolean {
    return now() - this.#checkedAt >= RECHECK_MS;
  }

  /** What a statement found. */
  note(exist: boolean): void {
    this.#exist = exist;
    this.#checkedAt = now();
  }

  /** The next statement asks, since a job was not stored and a trigger may be why. */
  doubt(): void {
    this.#checkedAt = Number.NEGATIVE_INFINITY;
  }

  /** Asks the catalogue. */
  async ask(connection: Connection): Promise<boolean> {
    const [row] = await connection.run(this.#ask, []);
    this.note(row?.['triggers'] === 't');
    return this.#exist;
  }
}
