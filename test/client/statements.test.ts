import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Logger } from 'typeorm';
import { JobArgs, jobArgs } from 'nestjs-river';
import {
  connect,
  createTestDatabase,
  queryAll,
  spyStatements,
  type StatementSpy,
} from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

@JobArgs('sort')
class SortArgs {
  constructor(readonly strings: string[] = []) {}
}

@JobArgs('unique_sort', { uniqueOpts: { byArgs: true } })
class UniqueSortArgs {
  constructor(readonly strings: string[] = []) {}
}

const SECRET = 'a value that must not be logged';

let spy: StatementSpy;
beforeAll(async () => {
  spy = await spyStatements(await createTestDatabase());
});
afterAll(() => spy.close());

describe('an insert', () => {
  let client: StartedClient;
  beforeAll(async () => {
    client = await startClient({
      database: spy.database,
      dataSource: { max: 1 },
      river: { notify: { cooldownMs: 0 } },
    });
  });
  afterAll(() => client.stop());

  const calls: Record<string, () => Promise<unknown>> = {
    insert: () => client.river.insert(new SortArgs(['a'])),
    'insert of a unique job': () => client.river.insert(new UniqueSortArgs(['new'])),
    'insert of a duplicate': () => client.river.insert(new UniqueSortArgs(['new'])),
    insertMany: () =>
      client.river.insertMany([new SortArgs(), new UniqueSortArgs(['b']), jobArgs('c', {})]),
  };
  test.each(Object.entries(calls))(
    'by %s is one statement and one round trip',
    async (_n, call) => {
      const { statements, roundTrips } = await spy.during(call);
      expect(statements.map(({ sql }) => sql)).toEqual([
        expect.stringMatching(/INSERT INTO river_job[^]*pg_notify/),
      ]);
      expect(roundTrips).toBe(1);
    },
  );

  test('of nothing, or of a refused job, sends nothing', async () => {
    const { statements } = await spy.during(async () => {
      await client.river.insertMany([]);
      await expect(client.river.insert(new SortArgs(), { priority: 5 })).rejects.toThrow();
    });
    expect(statements).toEqual([]);
  });

  test('in a transaction of TypeORM is one statement between its two', async () => {
    const { statements, roundTrips } = await spy.during(() =>
      client.dataSource.transaction((manager) => client.river.insertTx(manager, new SortArgs())),
    );
    expect(statements.map(({ sql }) => sql)).toEqual([
      'START TRANSACTION',
      expect.stringContaining('INSERT INTO river_job'),
      'COMMIT',
    ]);
    expect(roundTrips).toBe(3);
  });

  test('in a transaction of the helper is one statement between its two', async () => {
    const { statements, roundTrips } = await spy.during(() =>
      client.transaction.run(() => client.river.insert(new SortArgs())),
    );
    expect(statements.map(({ sql }) => sql)).toEqual([
      'START TRANSACTION',
      expect.stringContaining('INSERT INTO river_job'),
      'COMMIT',
    ]);
    expect(roundTrips).toBe(3);
  });

  test('by a pg client is one statement', async () => {
    const tx = await connect(spy.database);
    try {
      await tx.query('begin');
      const { statements } = await spy.during(() => client.river.insertTx(tx, new SortArgs()));
      expect(statements).toHaveLength(1);
      await tx.query('rollback');
    } finally {
      await tx.end();
    }
  });

  test('is prepared once for each connection, under one name for each form', async () => {
    const inserts = {
      alone: () => client.river.insert(new SortArgs(['other values'])),
      several: () => client.river.insertMany([new SortArgs(), new SortArgs()]),
      joined: () => client.transaction.run(() => client.river.insert(new SortArgs())),
    };
    const names = new Set<string>();
    for (const insert of Object.values(inserts)) {
      const { statements } = await spy.during(async () => {
        for (let call = 0; call < 3; call++) await insert();
      });
      const sent = statements.filter(({ sql }) => sql.includes('INSERT')).map(({ name }) => name);
      expect(sent).toHaveLength(3);
      for (const name of sent) expect(name).toMatch(/^river_[0-9a-f]{16}$/);
      // At times a statement asks for triggers as well, which is a form of its own.
      expect(new Set(sent).size).toBeLessThanOrEqual(2);
      for (const name of sent) names.add(name ?? '');
    }
    const [prepared] = await client.dataSource.query<{ names: number; calls: number }[]>(
      `select count(*)::int as names, sum(generic_plans + custom_plans)::int as calls
      from pg_prepared_statements where name = any ($1)`,
      [[...names]],
    );
    expect(prepared?.names).toBe(names.size);
    expect(prepared?.calls).toBeGreaterThanOrEqual(9);
  });

  test('goes on after the table was given a new column', async () => {
    await client.river.insert(new UniqueSortArgs(['before']));
    await client.river.insert(new UniqueSortArgs(['before']));
    await queryAll(spy.database, 'alter table river_job add column added text default $$x$$');
    const { uniqueSkippedAsDuplicated } = await client.river.insert(new UniqueSortArgs(['before']));
    expect(uniqueSkippedAsDuplicated).toBe(true);
  });
});

describe('with preparedStatements: false an insert', () => {
  test('has no name, and is still one statement and one round trip', async () => {
    const client = await startClient({
      database: spy.database,
      river: { preparedStatements: false, notify: { cooldownMs: 0 } },
    });
    try {
      for (const args of [new SortArgs(), new UniqueSortArgs(['unnamed'])]) {
        const { statements, roundTrips } = await spy.during(() => client.river.insert(args));
        expect(statements).toMatchObject([{ name: '' }]);
        expect(roundTrips).toBe(1);
      }
      await client.transaction.run(async () => {
        const { statements } = await spy.during(() => client.river.insert(new SortArgs()));
        expect(statements).toMatchObject([{ name: '' }]);
      });
    } finally {
      await client.stop();
    }
  });
});

describe("TypeORM's logger", () => {
  let client: StartedClient;
  const logger = {
    logQuery: jest.fn(),
    logQueryError: jest.fn(),
    logQuerySlow: jest.fn(),
    logSchemaBuild: jest.fn(),
    logMigration: jest.fn(),
    log: jest.fn(),
  } satisfies Logger;
  beforeAll(async () => {
    client = await startClient({
      database: await createTestDatabase(),
      dataSource: { logger },
      river: { notify: { cooldownMs: 0 } },
    });
    jest.clearAllMocks();
  });
  afterEach(() => {
    jest.clearAllMocks();
  });
  afterAll(() => client.stop());

  const all = (): string =>
    JSON.stringify(
      Object.values(logger).flatMap((mock) =>
        mock.mock.calls.map((call: unknown[]) => call.filter((part) => !isObjectOfTypeOrm(part))),
      ),
    );

  test('sees the statement without its values', async () => {
    await client.river.insert(new SortArgs([SECRET]));
    expect(logger.logQuery).toHaveBeenCalledTimes(1);
    expect(logger.logQuery).toHaveBeenCalledWith(
      expect.stringContaining('INSERT INTO river_job'),
      undefined,
      expect.anything(),
    );
    expect(all()).not.toContain(SECRET);
  });

  test('sees the statement of a transaction with its query runner', async () => {
    await client.dataSource.transaction(async (manager) => {
      await client.river.insertTx(manager, new SortArgs([SECRET]));
      const [, , queryRunner] = logger.logQuery.mock.calls.at(-1) ?? [];
      expect(queryRunner).toBe(manager.queryRunner);
    });
  });

  test('sees a failure without its values', async () => {
    await queryAll(
      client.database,
      `alter table river_job add constraint refused check (kind <> 'refused')`,
    );
    await expect(client.river.insert(jobArgs('refused', { SECRET }))).rejects.toThrow();
    expect(logger.logQueryError).toHaveBeenCalledTimes(1);
    expect(logger.logQueryError).toHaveBeenCalledWith(
      expect.stringContaining('SQLSTATE 23514'),
      expect.stringContaining('INSERT INTO river_job'),
      undefined,
      expect.anything(),
    );
    expect(all()).not.toContain(SECRET);
  });

  test('is told of a statement slower than maxQueryExecutionTime', async () => {
    client.dataSource.setOptions({ maxQueryExecutionTime: 50 });
    const holder = await connect(client.database);
    await holder.query('begin; lock table river_job in share mode');
    const inserted = client.river.insert(new SortArgs([SECRET]));
    await holder.query('select pg_sleep(0.1)');
    await holder.end();
    await inserted;
    expect(logger.logQuerySlow).toHaveBeenCalledTimes(1);
    expect(logger.logQuerySlow).toHaveBeenCalledWith(
      expect.any(Number),
      expect.stringContaining('INSERT INTO river_job'),
      undefined,
      expect.anything(),
    );
    await client.river.insert(new SortArgs([SECRET]));
    expect(logger.logQuerySlow).toHaveBeenCalledTimes(1);
    expect(all()).not.toContain(SECRET);
  });
});

/** Query runners are given to a logger, too; they hold the whole data source. */
function isObjectOfTypeOrm(part: unknown): boolean {
  return typeof part === 'object' && part !== null && 'manager' in part;
}
