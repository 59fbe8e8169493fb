import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Injectable, Logger, Module, type INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import {
  complete,
  discard,
  RiverWorkerModule,
  snooze,
  Work,
  type Outcome,
  type WorkedJob,
} from 'nestjs-river/worker';
import { DataSource } from 'typeorm';
import { start } from '../../module/applications.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';

type Script = (job: WorkedJob) => Outcome | undefined | Promise<Outcome | undefined>;

/** What each job does behind its effect, by name. */
const scripts = new Map<string, Script>();

@Injectable()
class EffectWorker {
  constructor(private readonly dataSource: DataSource) {}

  @Work('effect', { transaction: true, retry: () => 3_600_000 })
  async work(job: WorkedJob<{ readonly name: string }>): Promise<Outcome | undefined> {
    await this.dataSource.query('insert into effect (name) values ($1)', [job.args.name]);
    return await scripts.get(job.args.name)?.(job);
  }
}

@Module({ providers: [EffectWorker] })
class EffectModule {}

let database: TestDatabase;
let app: INestApplicationContext;
let river: RiverClient;

beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(
    database,
    `create table effect (name text);
     create table parent (name text primary key);
     alter table effect add constraint has_parent foreign key (name) references parent deferrable initially deferred;
     insert into parent select unnest(array['plain', 'output', 'thrown', 'snoozed', 'discarded', 'rescued', 'deleted'])`,
  );
  app = await start([
    TypeOrmModule.forRoot({ type: 'postgres', url: database.url }),
    RiverModule.forRoot(),
    RiverWorkerModule.forRoot({ queues: { default: 5 } }),
    EffectModule,
  ]);
  river = app.get(RiverClient);
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => app.close());

/** Works a job to the end of its attempt. Returns its row, and how many effects it has had. */
async function work(name: string, script?: Script): Promise<{ row: unknown; effects: number }> {
  let began = (): void => undefined;
  const hasBegun = new Promise<void>((resolve) => (began = resolve));
  scripts.set(name, async (job) => {
    began();
    return await script?.(job);
  });
  const { job } = await river.insert(jobArgs('effect', { name }));
  await hasBegun;
  const running = `select from river_job where id = ${job.id} and state = 'running'`;
  while ((await queryAll(database, running)).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const [row] = await queryAll(
    database,
    `select state, attempt, metadata, errors[1]->>'error' as error from river_job where id = ${job.id}`,
  );
  const effects = await queryAll(database, `select from effect where name = '${name}'`);
  return { row, effects: effects.length };
}

test.each([
  ['plain', undefined, { state: 'completed', attempt: 1, error: null }],
  ['output', () => complete({ a: 1 }), { state: 'completed', metadata: { output: { a: 1 } } }],
  ['snoozed', () => snooze(3_600_000), { state: 'scheduled', attempt: 0 }],
  ['discarded', () => discard('of no use'), { state: 'discarded', error: 'of no use' }],
] as const)('what a job does and how it ends commit together: %s', async (name, script, row) => {
  expect(await work(name, script)).toMatchObject({ row, effects: 1 });
});

test('what a job does is rolled back when it throws, and its failure is stored', async () => {
  const thrown = await work('thrown', () => {
    throw new Error('no connection');
  });
  expect(thrown).toMatchObject({ row: { state: 'retryable', error: 'no connection' }, effects: 0 });
});

test('a constraint that fails at COMMIT fails the attempt', async () => {
  const { row, effects } = await work('no parent');
  expect(row).toMatchObject({ state: 'retryable', attempt: 1 });
  expect((row as { error: string }).error).toContain('23503');
  expect(effects).toBe(0);
});

test.each([
  [
    'rescued',
    `update river_job set state = 'retryable', scheduled_at = now() + interval '1 hour' where id = $1`,
  ],
  ['deleted', 'delete from river_job where id = $1'],
])('what a job does is rolled back when it was %s meanwhile', async (name, change) => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const warned = new Promise<string>((resolve) =>
    warn.mockImplementation((message: unknown) => resolve(String(message))),
  );
  let id = '';
  const worked = work(name, async (job) => {
    id = job.id;
    await queryAll(database, change.replace('$1', job.id));
    return undefined;
  });
  expect(await warned).toContain(`Job ${id} is not of this attempt any more`);
  const { row, effects } = await worked;
  expect(row).toEqual(
    name === 'deleted' ? undefined : expect.objectContaining({ state: 'retryable' }),
  );
  expect(effects).toBe(0);
});
