import type pg from 'pg';
import { connect, type Connectable } from '../../support/index.js';

/** A row of `river_job`, every column as Postgres prints it; null stays null. */
export type StoredRow = Readonly<Record<string, string | null>>;

/** Looks at `river_job` from outside, column by column. Close it before the file ends. */
export class StoredRows {
  readonly #client: pg.Client;
  /** The select list of each schema, from the catalogue so that no column is forgotten. */
  readonly #columns = new Map<string, string>();

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(database: Connectable): Promise<StoredRows> {
    const client = await connect(database);
    await client.query("set timezone to 'UTC'");
    return new StoredRows(client);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /** The row without its id, which is its table's own. */
  async row(schema: string, id: bigint | string): Promise<StoredRow> {
    const [row] = await this.#select(schema, 'where id = $1', [String(id)]);
    if (row === undefined) throw new Error(`no row ${id} in ${schema}`);
    return row;
  }

  /** All rows without their ids, in the order of these. */
  async all(schema: string): Promise<readonly StoredRow[]> {
    return this.#select(schema, 'order by id');
  }

  async count(schema: string): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(
      `select count(*)::int as count from "${schema}".river_job`,
    );
    return rows[0]?.count ?? 0;
  }

  async clear(...schemas: readonly string[]): Promise<void> {
    for (const schema of schemas) await this.#client.query(`delete from "${schema}".river_job`);
  }

  /** Moves a job to a state, as a worker would leave it. */
  async finish(schema: string, id: bigint | string, state: string): Promise<void> {
    await this.#client.query(
      `update "${schema}".river_job set state = $2, finalized_at = now() where id = $1`,
      [String(id), state],
    );
  }

  async #select(schema: string, rest: string, values: unknown[] = []): Promise<StoredRow[]> {
    const columns = await this.#columnsOf(schema);
    const sql = `select ${columns} from "${schema}".river_job ${rest}`;
    return (await this.#client.query<Record<string, string | null>>(sql, values)).rows;
  }

  async #columnsOf(schema: string): Promise<string> {
    const known = this.#columns.get(schema);
    if (known !== undefined) return known;
    const { rows } = await this.#client.query<{ column: string }>(
      `select quote_ident(column_name) as column from information_schema.columns
       where table_schema = $1 and table_name = 'river_job' and column_name <> 'id'
       order by column_name`,
      [schema],
    );
    const columns = rows.map(({ column }) => `${column}::text as ${column}`).join(', ');
    this.#columns.set(schema, columns);
    return columns;
  }
}
