import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  jobArgs,
  JobCancelledError,
  JobDiscardedError,
  RiverClient,
  RiverModule,
} from 'nestjs-river';
import { complete, RiverWorker, RiverWorkerModule } from 'nestjs-river/worker';
import { start } from '../module/applications.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import {
  Charge,
  GiveUp,
  LogJobs,
  Notify,
  Observer,
  Receipt,
  Report,
  RetryOnce,
  SendReceipt,
  SeveralWorkers,
  SnoozeOnce,
  WhoAmI,
  WorkersModule,
} from './shop-workers.js';

/** As the service of @nestjs/config. */
@Injectable()
class Config {
  get(name: string): number {
    return { WORKERS: 4, MAIL_WORKERS: 2 }[name] ?? 1;
  }
}

@Module({ providers: [Config], exports: [Config] })
class ConfigModule {}

let database: TestDatabase;
let app: INestApplicationContext;
let river: RiverClient;

beforeAll(async () => {
  database = await createTestDatabase();
  app = await start([
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: database.url,
      entities: [Receipt],
      synchronize: true,
    }),
    { ...TypeOrmModule.forFeature([Receipt]), global: true },
    RiverModule.forRoot(),
    RiverWorkerModule.forRootAsync({
      imports: [ConfigModule],
      inject: [Config],
      useFactory: (config: Config) => ({
        queues: {
          default: config.get('WORKERS'),
          mail: { maxWorkers: config.get('MAIL_WORKERS'), pollIntervalMs: 200 },
        },
        works: { 'send-welcome-email': (job) => complete({ to: job.args }) },
      }),
    }),
    WorkersModule,
  ]);
  river = app.get(RiverClient);
});
afterAll(() => app.close());

const receipts = (id: number): Promise<unknown[]> =>
  queryAll(database, 'select text from receipt where id = $1', [id]);

describe('an ordinary application', () => {
  test('saves by a repository, and hears of the completion', async () => {
    const { job } = await river.insertAndWait(new SendReceipt(1));
    expect(job).toMatchObject({ state: 'completed', attempt: 1, errors: [] });
    await expect(receipts(1)).resolves.toEqual([{ text: 'receipt of 1' }]);
    expect(app.get(Observer).seen).toContain('send_receipt completed 1');
  });

  test('has effects and the next job commit together with the completion', async () => {
    const { job, output } = await river.insertAndWait(new Charge(2));
    expect(job.state).toBe('completed');
    await expect(receipts(2)).resolves.toEqual([{ text: 'charged' }]);
    const notify = (output as { notifies: string }).notifies;
    await expect(river.waitFor(BigInt(notify))).resolves.toMatchObject({ job: { queue: 'mail' } });
    expect(app.get(SeveralWorkers).notified).toEqual(['customer']);
  });

  test('rolls effects and the next job back with a failure', async () => {
    const before = await queryAll(database, "select id from river_job where kind = 'notify'");
    const failed = river.insertAndWait(new Charge(3, 'charge'), { maxAttempts: 1 });
    await expect(failed).rejects.toThrow(JobDiscardedError);
    await expect(receipts(3)).resolves.toEqual([]);
    const after = await queryAll(database, "select id from river_job where kind = 'notify'");
    expect(after).toEqual(before);
  });

  test('tries a failed job again, when its method says', async () => {
    const { job, output } = await river.insertAndWait(new RetryOnce());
    expect(output).toBe(2);
    expect(job).toMatchObject({
      attempt: 2,
      errors: [{ attempt: 1, error: 'not yet', trace: '' }],
    });
    expect(app.get(Observer).seen).toContain('retry_once Error: not yet true');
  });

  test('snoozes a job without counting the attempt', async () => {
    const { job, output } = await river.insertAndWait(new SnoozeOnce(), { maxAttempts: 1 });
    expect(output).toBe(1);
    expect(job).toMatchObject({ attempt: 1, errors: [] });
  });

  test('cancels and discards jobs', async () => {
    const cancelled = river.insertAndWait(new GiveUp('cancel'));
    await expect(cancelled).rejects.toThrow(JobCancelledError);
    const discarded = river.insertAndWait(new GiveUp('discard'));
    await expect(discarded).rejects.toThrow(JobDiscardedError);
  });

  test('runs an interceptor, and knows the job deep down', async () => {
    const { job, output } = await river.insertAndWait(new Report('2026-11'));
    expect(output).toEqual({ url: '/reports/2026-11' });
    expect(job.metadata).toMatchObject({ percent: 50 });
    expect(LogJobs.lines).toEqual(['begin report', 'end report']);
  });

  test('makes providers of the scope of a request for each attempt', async () => {
    const first = await river.insertAndWait(new WhoAmI());
    const second = await river.insertAndWait(new WhoAmI());
    expect(first.output).toEqual({ number: 1, hasLogger: true });
    expect(second.output).toEqual({ number: 2, hasLogger: true });
  });

  test('works two queues, and kinds without a class', async () => {
    const args = jobArgs('send-welcome-email', { user: 7 });
    await expect(river.insertAndWait(args)).resolves.toMatchObject({ output: { to: { user: 7 } } });
    const { job } = await river.insertAndWait(new Notify('b'));
    expect(job.queue).toBe('mail');
    const { queues, clientId, isRunning } = app.get(RiverWorker).status();
    expect(isRunning).toBe(true);
    expect(job.attemptedBy).toEqual([clientId]);
    expect(queues).toMatchObject([
      { name: 'default', maxWorkers: 4, isPaused: false },
      { name: 'mail', maxWorkers: 2, isPaused: false },
    ]);
  });

  test('leaves kinds that it does not know to other workers', async () => {
    const { job } = await river.insert(jobArgs('of_go', {}));
    await river.insertAndWait(new WhoAmI());
    await expect(river.jobGet(job.id)).resolves.toMatchObject({ state: 'available', attempt: 0 });
  });
});
