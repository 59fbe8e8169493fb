import { Test } from '@nestjs/testing';
import type { INestApplicationContext } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import {
  RiverClient,
  RiverModule,
  RiverTransaction,
  type JobRow,
  type JobState,
  type RiverModuleOptions,
} from 'nestjs-river';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  spyStatements,
  type StatementSpy,
  type TestDatabase,
  type TestDataSourceOptions,
} from '../support/index.js';

/** A client of an application without HTTP, over a database of its own. */
export interface StartedClient {
  readonly app: INestApplicationContext;
  readonly database: TestDatabase;
  readonly dataSource: DataSource;
  readonly river: RiverClient;
  readonly transaction: RiverTransaction;
  stop(): Promise<void>;
}

/** What may differ: the database (one through a statement spy, say), and the options of both modules. */
export interface StartOptions {
  readonly database?: TestDatabase;
  readonly dataSource?: TestDataSourceOptions;
  readonly river?: RiverModuleOptions;
}

export async function startClient(options: StartOptions = {}): Promise<StartedClient> {
  const database = options.database ?? (await createTestDatabase());
  const dataSource = await createDataSource(database, options.dataSource);
  try {
    const module = await Test.createTestingModule({
      imports: [RiverModule.forRoot({ ...options.river, dataSource })],
    }).compile();
    const app = await module.init();
    return {
      app,
      database,
      dataSource,
      river: app.get(RiverClient),
      transaction: app.get(RiverTransaction),
      async stop() {
        await app.close();
        await dataSource.destroy();
      },
    };
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** A client on a database of its own, and what it sends. */
export interface SpiedClient extends StartedClient {
  readonly spy: StatementSpy;
}

/** Starts a client whose statements pass a spy, which ends with it. */
export async function startSpiedClient(): Promise<SpiedClient> {
  const spy = await spyStatements(await createTestDatabase());
  const client = await startClient({ database: spy.database });
  return {
    ...client,
    spy,
    async stop() {
      await client.stop();
      await spy.close();
    },
  };
}

/** A row of `river_job` as it is stored, seen from outside. */
export type StoredJob = Readonly<Record<string, unknown>>;

/** All jobs that are committed, by their ids. */
export async function storedJobs(
  { url, schema }: TestDatabase,
  where = 'true',
): Promise<StoredJob[]> {
  return await queryAll<StoredJob>(
    { url },
    `select * from "${schema}".river_job where ${where} order by id`,
  );
}

/** How many committed jobs satisfy the condition. */
export async function countJobs(database: TestDatabase, where = 'true'): Promise<number> {
  return (await storedJobs(database, where)).length;
}

/** River's order of the bits of `unique_states`. */
const STATE_BITS: readonly JobState[] = [
  'scheduled',
  'running',
  'retryable',
  'pending',
  'discarded',
  'completed',
  'cancelled',
  'available',
];

/** The job as the row it claims to be. */
export function asStored<Args>(job: JobRow<Args>): StoredJob {
  const { uniqueKey, uniqueStates } = job;
  return {
    id: String(job.id),
    state: job.state,
    attempt: job.attempt,
    max_attempts: job.maxAttempts,
    attempted_at: job.attemptedAt,
    created_at: job.createdAt,
    finalized_at: job.finalizedAt,
    scheduled_at: job.scheduledAt,
    priority: job.priority,
    args: job.args,
    attempted_by: job.attemptedBy.length === 0 ? null : job.attemptedBy,
    errors: job.errors.length === 0 ? null : job.errors,
    kind: job.kind,
    metadata: job.metadata,
    queue: job.queue,
    tags: job.tags,
    unique_key: uniqueKey && Buffer.from(uniqueKey, 'hex'),
    unique_states:
      uniqueStates && STATE_BITS.map((state) => (uniqueStates.includes(state) ? 1 : 0)).join(''),
  };
}
