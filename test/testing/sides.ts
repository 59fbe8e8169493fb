import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { JobArgs, RiverTransaction, type RiverClient } from 'nestjs-river';
import { RiverTestingModule } from 'nestjs-river/testing';
import { queryAll } from '../support/index.js';
import { startClient } from '../client/started-client.js';
import { endJobs } from '../client/waiting-jobs.js';

/** A client that the same tests run on: the fake one, or the one of a database. */
export interface Side {
  readonly river: RiverClient;
  readonly transaction: RiverTransaction;
  readonly dataSource: DataSource;
  /** Plays the worker. */
  complete(id: string, output: unknown): Promise<void>;
  discard(id: string, error: string): Promise<void>;
  /** Makes it running, as a worker does; long ago, its attempt began two hours ago. */
  take(id: string, when?: 'now' | 'long ago'): Promise<void>;
  /** Forgets all jobs and queues. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export const SIDES: readonly (readonly [name: string, start: () => Promise<Side>])[] = [
  ['in memory', startFake],
  ['on Postgres', startReal],
];

async function startFake(): Promise<Side> {
  const module = await Test.createTestingModule({
    imports: [RiverTestingModule.forRoot()],
  }).compile();
  const app = await module.init();
  const river = RiverTestingModule.client(app);
  const transaction = app.get(RiverTransaction);
  return {
    river,
    transaction,
    dataSource: await transaction.run((manager) => manager.connection),
    complete: (id, output) => Promise.resolve(void river.complete(id, output)),
    discard: (id, error) => Promise.resolve(void river.discard(id, error)),
    take: (id, when) => {
      const attemptedAt = when === 'long ago' ? new Date(Date.now() - 7_200_000) : undefined;
      return Promise.resolve(void river.take(id, { attemptedAt }));
    },
    clear: () => Promise.resolve(river.clear()),
    stop: () => app.close(),
  };
}

async function startReal(): Promise<Side> {
  const started = await startClient();
  const { database, river, transaction, dataSource } = started;
  return {
    river,
    transaction,
    dataSource,
    complete: (id, output) => endJobs(database, [id], { state: 'completed', output }),
    discard: (id, error) =>
      endJobs(database, [id], {
        state: 'discarded',
        errors: [{ at: '2026-01-01T00:00:00Z', attempt: 1, error, trace: '' }],
      }),
    take: async (id, when) => {
      const take = `update river_job set state = 'running', attempt = attempt + 1, attempted_at = now() - $2::interval where id = $1`;
      await queryAll(database, take, [id, when === 'long ago' ? '2 hours' : '0']);
    },
    clear: async () => {
      await queryAll(database, 'truncate river_job, river_queue');
    },
    stop: () => started.stop(),
  };
}

@JobArgs('sort')
export class SortArgs {
  constructor(
    readonly strings: readonly string[],
    readonly limit = 10,
  ) {}
}

@JobArgs('send_receipt', { queue: 'mail', maxAttempts: 3, uniqueOpts: { byArgs: true } })
export class SendReceipt {
  constructor(readonly order: number) {}
}
