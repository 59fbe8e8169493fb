import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import {
  connect,
  createDataSource,
  createEmptyDatabase,
  spyStatements,
  type StatementSpy,
} from './index.js';

describe('the statement spy', () => {
  let spy: StatementSpy;
  let client: Client;
  let dataSource: DataSource;

  beforeAll(async () => {
    spy = await spyStatements(await createEmptyDatabase());
    client = await connect(spy.database);
    dataSource = await createDataSource(spy.database, { max: 2 });
    await client.query('create table note (text text)');
  });
  afterAll(async () => {
    await dataSource.destroy();
    await client.end();
    await spy.close();
  });

  test('sees a plain query as one statement and one round trip', async () => {
    const sent = await spy.during(() => client.query('select 1'));
    expect(sent).toEqual({
      statements: [{ sql: 'select 1', name: '', connection: 1 }],
      roundTrips: 1,
    });
  });

  test('sees a query with parameters as one statement and one round trip', async () => {
    const sent = await spy.during(() => client.query('select $1::text', ['a']));
    expect(sent).toEqual({
      statements: [{ sql: 'select $1::text', name: '', connection: 1 }],
      roundTrips: 1,
    });
  });

  test('knows the text of a prepared statement also when only its name is sent', async () => {
    const query = { name: 'by-name', text: 'select $1::int', values: [1] };
    await client.query(query);
    const sent = await spy.during(() => client.query(query));
    expect(sent).toEqual({
      statements: [{ sql: 'select $1::int', name: 'by-name', connection: 1 }],
      roundTrips: 1,
    });
  });

  test('counts each statement of a transaction, and says which connection it was', async () => {
    const sent = await spy.during(() =>
      dataSource.transaction((manager) => manager.query('insert into note values ($1)', ['x'])),
    );
    expect(sent.statements.map(({ sql }) => sql)).toEqual([
      expect.stringMatching(/^START TRANSACTION/),
      'insert into note values ($1)',
      'COMMIT',
    ]);
    expect(new Set(sent.statements.map(({ connection }) => connection)).size).toBe(1);
    expect(sent.roundTrips).toBe(3);
  });

  test('counts two connections at the same time as a round trip each', async () => {
    const sent = await spy.during(() =>
      Promise.all([client.query('select 2'), dataSource.query('select 3')]),
    );
    expect(sent.roundTrips).toBe(2);
    expect(sent.statements.map(({ sql }) => sql).sort()).toEqual(['select 2', 'select 3']);
  });

  test('passes on a message longer than a chunk unchanged', async () => {
    const text = 'é'.repeat(300_000);
    const rows: { text: string }[] = [];
    const sent = await spy.during(async () => {
      rows.push(...(await client.query<{ text: string }>('select $1::text as text', [text])).rows);
    });
    expect(rows).toEqual([{ text }]);
    expect(sent.roundTrips).toBe(1);
  });

  test('passes on the failure of a statement, and the connection stays usable', async () => {
    await expect(client.query('select nothing_of_this_name')).rejects.toMatchObject({
      code: '42703',
    });
    const sent = await spy.during(() => client.query('select 4'));
    expect(sent.roundTrips).toBe(1);
  });
});
