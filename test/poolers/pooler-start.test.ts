import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { jobArgs, RiverClient, RiverModule, RiverTransaction } from 'nestjs-river';
import {
  createDataSource,
  createTestDatabase,
  spyStatements,
  type SentStatement,
  type StatementSpy,
  type TestDatabase,
} from '../support/index.js';
import { countJobs } from '../client/started-client.js';
import { hasNamedStatements, startPgBouncer, type PgBouncerSettings } from './pgbouncer.js';
import { RenamingPooler } from './renaming-pooler.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

let messages: string[];
beforeEach(() => {
  messages = [];
  for (const level of ['log', 'warn'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((message: string) => {
      if (/pooler|prepared statement/.test(message)) messages.push(`${level}: ${message}`);
    });
  }
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => void jest.restoreAllMocks());

async function behindPgBouncer(settings: PgBouncerSettings): Promise<StatementSpy> {
  const pooler = await startPgBouncer(database, settings);
  closing.push(() => pooler.stop());
  return await spied(pooler.database);
}

async function spied(target: TestDatabase): Promise<StatementSpy> {
  const spy = await spyStatements(target);
  closing.push(() => spy.close());
  return spy;
}

interface Started {
  readonly river: RiverClient;
  readonly transaction: RiverTransaction;
  /** What was sent while the modules started. */
  readonly atStart: readonly SentStatement[];
}

/** Starts an application with several modules on one data source. */
async function start(
  spy: StatementSpy,
  { preparedStatements, modules = 1 }: { preparedStatements?: boolean; modules?: number } = {},
): Promise<Started> {
  const dataSource = await createDataSource(spy.database, { max: 3 });
  closing.push(() => dataSource.destroy());
  const imports = Array.from({ length: modules }, (_, n) =>
    RiverModule.forRoot({
      name: n === 0 ? 'default' : `other${n}`,
      dataSource,
      preparedStatements,
      notify: false,
    }),
  );
  const module = Test.createTestingModule({ imports });
  const compiled: TestingModule[] = [];
  const { statements } = await spy.during(async () => void compiled.push(await module.compile()));
  const [app] = compiled as [TestingModule];
  closing.push(() => app.close());
  return {
    river: app.get(RiverClient),
    transaction: app.get(RiverTransaction),
    atStart: statements,
  };
}

/** The names of statements of inserts outside and inside transactions, and whether the jobs are stored. */
async function insertNames(spy: StatementSpy, { river, transaction }: Started): Promise<string[]> {
  const before = await countJobs(database);
  const { statements } = await spy.during(async () => {
    await river.insert(jobArgs('pooled', {}));
    await river.insert(jobArgs('pooled', {}));
    await transaction.run(() => river.insert(jobArgs('pooled', {})));
  });
  expect(await countJobs(database)).toBe(before + 3);
  return statements.filter(({ sql }) => sql.includes('INSERT')).map(({ name }) => name);
}

const NAMED = expect.stringMatching(/^river_/) as unknown as string;
const LOGGED = expect.stringMatching(
  /^log: The data source is behind a pooler/,
) as unknown as string;

test('without a pooler the start sends one statement, and names stay on', async () => {
  const spy = await spied(database);
  const started = await start(spy);
  expect(started.atStart).toHaveLength(1);
  expect(await insertNames(spy, started)).toEqual([NAMED, NAMED, NAMED]);
  expect(messages).toEqual([]);
});

describe.each(['transaction', 'session'] as const)('behind PgBouncer in %s mode', (pool_mode) => {
  const settings = { pool_mode };

  test('statements have no names, which is logged once for the data source', async () => {
    const spy = await behindPgBouncer(settings);
    const started = await start(spy, { modules: 3 });
    expect(await insertNames(spy, started)).toEqual(['', '', '']);
    expect(messages).toEqual([LOGGED]);
  });

  test.each([
    [true, NAMED],
    [false, ''],
  ])('preparedStatements: %s decides', async (preparedStatements, name) => {
    const spy = await behindPgBouncer({ ...settings, default_pool_size: 1 });
    const started = await start(spy, { preparedStatements });
    expect(await insertNames(spy, started)).toEqual([name, name, name]);
    expect(messages).toEqual([]);
  });

  test('the start leaves no prepared statement in the sessions of the server', async () => {
    const spy = await behindPgBouncer({ ...settings, default_pool_size: 1 });
    const { transaction } = await start(spy);
    const left = await transaction.run((manager) =>
      manager.query<unknown[]>('select name from pg_prepared_statements'),
    );
    expect(left).toEqual([]);
  });
});

describe('behind PgBouncer in statement mode', () => {
  test.each([undefined, true, false])(
    'the start is rejected, with preparedStatements: %s',
    async (preparedStatements) => {
      const spy = await behindPgBouncer({ pool_mode: 'statement' });
      await expect(start(spy, { preparedStatements })).rejects.toMatchObject({
        code: 'RIVER_NO_TRANSACTIONS',
        field: 'dataSource',
        message: expect.stringContaining('pool_mode = transaction') as unknown,
      });
    },
  );
});

test('behind a pooler that keeps track of named statements names stay on', async () => {
  const pooler = await RenamingPooler.open(database);
  closing.push(() => pooler.close());
  const spy = await spied(pooler.database);
  const started = await start(spy);
  expect(await insertNames(spy, started)).toEqual([NAMED, NAMED, NAMED]);
  expect(messages).toEqual([]);
});

if (await hasNamedStatements()) {
  test('behind PgBouncer with max_prepared_statements names stay on', async () => {
    const spy = await behindPgBouncer({ max_prepared_statements: 100 });
    const started = await start(spy);
    expect(await insertNames(spy, started)).toEqual([NAMED, NAMED, NAMED]);
    expect(messages).toEqual([]);
  });
}

test.each([
  { statement_timeout: 50_000 },
  { lock_timeout: 5_000 },
  { options: '-c search_path=a' },
])('PgBouncer rejects a connection with %j, as the README says', async (extra) => {
  const { database: behind } = await behindPgBouncer({});
  await expect(createDataSource(behind, { extra })).rejects.toThrow(
    /unsupported startup parameter/,
  );
});
