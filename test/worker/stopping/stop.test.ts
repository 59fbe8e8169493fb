import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RiverClient, jobArgs } from 'nestjs-river';
import type { DataSource } from 'typeorm';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../../support/index.js';

interface Told {
  readonly at?: string;
  readonly unhandled?: string;
}

let database: TestDatabase;
let dataSource: DataSource;
let river: RiverClient;
beforeAll(async () => {
  database = await createTestDatabase();
  await queryAll(database, 'create table orders (item text not null)');
});
beforeEach(async () => {
  await queryAll(database, 'truncate orders, river_job, river_leader');
  dataSource = await createDataSource(database);
  river = new RiverClient(dataSource, {});
});
afterEach(() => dataSource.destroy());

/** The application in a process of its own, and what it tells. */
function start(where: string, softStopMs: number) {
  const args = [database.url, where, String(softStopMs)];
  const child: ChildProcess = fork('test/worker/stopping/stop-app.mjs', args, { execArgv: [] });
  const told: Told[] = [];
  child.on('message', (message) => told.push(message as Told));
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  return {
    child,
    told,
    exited,
    waitFor: async (at: string): Promise<void> => {
      while (!told.some((each) => each.at === at)) {
        await Promise.race([
          once(child, 'message'),
          exited.then(([code]) => {
            throw new Error(`ended with ${String(code)} before it told of ${at}`);
          }),
        ]);
      }
    },
  };
}

const rowOf = async (id: string): Promise<unknown> => {
  const [row] = await queryAll(
    database,
    `select state, attempt, cardinality(errors) as errors, metadata->>'output' as output
     from river_job where id = $1`,
    [id],
  );
  return row;
};

describe('SIGTERM', () => {
  test.each([
    'in the root module',
    'in a module before the worker',
    'in a module after the worker',
  ])('lets a job end that uses a client %s, which is closed then', async (where) => {
    const { job } = await river.insert(jobArgs('polite', {}));
    const { child, told, exited, waitFor } = start(where, 30_000);
    await waitFor('started polite');
    await untilLeaders(1);
    child.kill('SIGTERM');
    // It resigns while the job goes on, and claims nothing more.
    await untilLeaders(0);
    const { job: late } = await river.insert(jobArgs('obedient', {}));
    expect(told.some(({ at }) => at === 'redis closed')).toBe(false);
    child.send('go on');
    expect(await exited).toEqual([null, 'SIGTERM']);

    expect(await rowOf(job.id)).toEqual({
      state: 'completed',
      attempt: 1,
      errors: null,
      output: 'published',
    });
    expect(told.some(({ at }) => at === 'redis closed')).toBe(true);
    expect(told.filter(({ unhandled }) => unhandled !== undefined)).toEqual([]);
    expect(await queryAll(database, 'select item from orders')).toEqual([{ item: 'polite' }]);
    expect(await rowOf(late.id)).toMatchObject({ state: 'available', attempt: 0 });
    expect(await connectionsOfWorkers()).toEqual([]);
  });

  test('gives back what ends when its signal aborts, and leaves what does not end running', async () => {
    const { job: obedient } = await river.insert(jobArgs('obedient', {}));
    const { job: heedless } = await river.insert(jobArgs('heedless', {}));
    const { child, exited, waitFor } = start('in the root module', 100);
    await waitFor('started obedient');
    await waitFor('started heedless');
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    expect(await rowOf(obedient.id)).toMatchObject({
      state: 'available',
      attempt: 0,
      errors: null,
    });
    expect(await rowOf(heedless.id)).toMatchObject({ state: 'running', attempt: 1, errors: null });
    expect(await queryAll(database, 'select from river_leader')).toEqual([]);
  });
});

async function untilLeaders(count: number): Promise<void> {
  // Each look is a connection of its own.
  while ((await queryAll(database, 'select from river_leader')).length !== count);
}

function connectionsOfWorkers(): Promise<unknown[]> {
  return queryAll(
    database,
    "select application_name from pg_stat_activity where datname = current_database() and application_name like '%river worker%'",
  );
}
