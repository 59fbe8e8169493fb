import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import {
  cancel,
  RiverWorker,
  RiverWorkerModule,
  Work,
  type JobEvent,
  type Outcome,
  type WorkedJob,
} from 'nestjs-river/worker';
import { DataSource } from 'typeorm';
import { silence, start, typeOrm } from '../../module/applications.js';
import { KillingProxy } from '../../transaction/killing-proxy.js';
import { createTestDatabase, queryAll, spyStatements } from '../../support/index.js';
import type { StatementSpy, TestDatabase } from '../../support/index.js';

let database: TestDatabase;
let spy: StatementSpy;
let proxy: KillingProxy;
let app: INestApplicationContext;
let river: RiverClient;
let worker: RiverWorker;
/** What the method does after its effect. */
let then: (job: WorkedJob) => unknown;
let asksToCancel: boolean;
/** What onError was asked about. */
let asked: unknown[] = [];

@Injectable()
class Workers {
  constructor(private readonly dataSource: DataSource) {}

  @Work('effect', { transaction: true })
  async effect(job: WorkedJob): Promise<Outcome | void> {
    await this.dataSource.query('insert into effect (job_id, attempt) values ($1, $2)', [
      job.id,
      job.attempt,
    ]);
    return (await then(job)) as Outcome | void;
  }
}

beforeAll(async () => {
  silence();
  database = await createTestDatabase();
  await queryAll(database, 'create table effect (job_id bigint not null, attempt int not null)');
  proxy = await KillingProxy.open(database);
  spy = await spyStatements(proxy.database);
  app = await start([
    typeOrm(spy.database),
    RiverModule.forRoot(),
    RiverWorkerModule.forRoot({
      queues: { default: { maxWorkers: 1, pollIntervalMs: 60_000 } },
      maintenance: 'never',
      onError: (_, error) => {
        asked.push(error);
        return asksToCancel ? 'cancel' : undefined;
      },
    }),
    { module: class WorkersModule {}, providers: [Workers] },
  ]);
  river = app.get(RiverClient);
  worker = app.get(RiverWorker);
});
afterEach(() => queryAll(database, 'truncate effect, river_job'));
afterAll(async () => {
  await app.close();
  await spy.close();
  await proxy.close();
});

/** Works one job, and waits for what is reported of it. */
async function work(
  what: (job: WorkedJob) => unknown,
  { maxAttempts = 25, cancels = false } = {},
): Promise<{ event: JobEvent; row: unknown; effects: number }> {
  then = what;
  asksToCancel = cancels;
  asked = [];
  const events = worker.events()[Symbol.asyncIterator]();
  const { job } = await river.insert(jobArgs('effect', {}), { maxAttempts });
  const { value: event } = (await events.next()) as { value: JobEvent };
  await events.return?.();
  return { event, row: await rowOf(job.id), effects: await effects() };
}

async function rowOf(id: string): Promise<unknown> {
  const sql =
    'select state::text, attempt, coalesce(cardinality(errors), 0) as errors from river_job where id = $1';
  return (await queryAll(database, sql, [id]))[0];
}

async function effects(): Promise<number> {
  return (await queryAll(database, 'select from effect')).length;
}

describe('with transaction: true', () => {
  test('an outcome that is thrown counts as one that is returned', async () => {
    const { row, effects: stored } = await work(() => {
      throw cancel('gone') as unknown as Error;
    });
    expect({ row, stored }).toEqual({
      row: { state: 'cancelled', attempt: 1, errors: 1 },
      stored: 1,
    });
  });

  test.each([
    ['with attempts left', {}, 'available'],
    ['at the last attempt', { maxAttempts: 1 }, 'discarded'],
    ['that onError cancels', { cancels: true }, 'cancelled'],
  ])('an attempt that throws, %s, has no effect', async (_, options, state) => {
    const fails = (): never => {
      throw new Error('refused');
    };
    const { row, effects: stored } = await work(fails, options);
    expect({ row, stored }).toEqual({ row: { state, attempt: 1, errors: 1 }, stored: 0 });
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['with attempts left', {}, 'available'],
    ['at the last attempt', { maxAttempts: 1 }, 'discarded'],
    ['that onError cancels', { cancels: true }, 'cancelled'],
  ])('an attempt whose metadata JSON cannot hold, %s, has no effect', async (_, options, state) => {
    const { row, effects: stored } = await work(
      (job) => job.setMetadata('count', Number.NaN),
      options,
    );
    expect({ row, stored }).toEqual({ row: { state, attempt: 1, errors: 1 }, stored: 0 });
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['rescued and claimed again', 'update river_job set attempt = 2 where id = $1'],
    [
      'claimed by another client',
      "update river_job set attempted_by = attempted_by || 'other'::text where id = $1",
    ],
  ])('a job that is %s meanwhile has no effect, and its row stays', async (_, change) => {
    let id = '';
    let before: unknown;
    let isOver: (() => void) | undefined;
    const over = new Promise<void>((resolve) => (isOver = resolve));
    then = async (job) => {
      ({ id } = job);
      job.signal.addEventListener('abort', () => isOver?.());
      await queryAll(database, change, [job.id]);
      before = await queryAll(database, 'select * from river_job');
      return undefined;
    };
    await river.insert(jobArgs('effect', {}));
    await over;
    await untilIdle();
    expect(await queryAll(database, 'select * from river_job')).toEqual(before);
    expect(await effects()).toBe(0);
    expect(id).not.toBe('');
  });

  test.each([
    ['before it is committed', 'before', 'available', { errors: 1, effects: 0, type: 'failed' }],
    [
      'and is committed',
      'at the answer of',
      'completed',
      { errors: 0, effects: 1, type: 'completed' },
    ],
  ] as const)(
    'a connection that is lost at COMMIT, %s, is resolved by the row',
    async (_, moment, state, found) => {
      const { kills } = proxy;
      const { event, row, effects: stored } = await work(() => proxy.killAt(moment, /^COMMIT/));
      expect(proxy.kills).toBe(kills + 1);
      expect(row).toEqual({ state, attempt: 1, errors: found.errors });
      expect(stored).toBe(found.effects);
      expect(event.type).toBe(found.type);
    },
  );

  test('an attempt sends the outcome between its effects and COMMIT, and nothing else', async () => {
    const { statements } = await spy.during(() => work(() => undefined));
    const texts = statements.map(({ sql }) => sql);
    const begin = texts.findIndex((text) => /^(BEGIN|START TRANSACTION)/i.test(text));
    const { connection } = statements[begin] ?? {};
    const own = statements.slice(begin).filter((each) => each.connection === connection);
    expect(own.map(({ sql }) => sql.split(/[ \n]/)[0]?.toUpperCase())).toEqual([
      expect.stringMatching(/BEGIN|START/),
      'INSERT',
      'UPDATE',
      'COMMIT',
    ]);
    const outcomes = texts.filter((text) => text.includes('finalized_at = given'));
    expect(outcomes).toHaveLength(1);
  });
});

/** Until nothing is under way in this process, and what it has to store is stored. */
async function untilIdle(): Promise<void> {
  while (worker.status().queues.some(({ running }) => running > 0)) {
    await new Promise(setImmediate);
  }
}
