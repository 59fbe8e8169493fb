import pg from 'pg';

/** Anything with a URL to connect to: a test database, or one seen through a statement spy. */
export interface Connectable {
  readonly url: string;
}

/**
 * Runs a statement over a connection of its own, and so sees the truth from outside: only what is
 * committed. A text without parameters may hold several statements; the last one's rows are returned.
 */
export async function queryAll<Row extends pg.QueryResultRow = pg.QueryResultRow>(
  database: Connectable,
  sql: string,
  parameters?: readonly unknown[],
): Promise<Row[]> {
  const client = await connect(database);
  try {
    const result = await client.query<Row>(sql, parameters && [...parameters]);
    // For several statements pg gives an array of results, which its types do not say.
    return ([result].flat().at(-1) ?? result).rows;
  } finally {
    await client.end();
  }
}

/** Opens a plain connection, for a test that needs to hold one. The test ends it. */
export async function connect({ url }: Connectable): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
