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
import { createRequire } from 'node:module';
import { jobArgs } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

interface FakeTimers {
  install(config: { toNotFake: string[] }): { uninstall(): void };
}
const require = createRequire(import.meta.url);
const ofJest = createRequire(require.resolve('jest-environment-node'));
const sinon = createRequire(ofJest.resolve('@jest/fake-timers'))('@sinonjs/fake-timers') as {
  withGlobal(global: unknown): FakeTimers;
};
/** The pool of `pg` itself needs ticks: `process.nextTick(() => this._pulseQueue())`. */
const OF_PG = ['nextTick' as const];

let uninstall: () => void;
const WAYS = {
  Jest: () => {
    jest.useFakeTimers({ doNotFake: OF_PG, now: Date.UTC(2001, 0, 1) });
    uninstall = () => jest.useRealTimers();
  },
  Sinon: () => {
    const clock = sinon.withGlobal(globalThis).install({ toNotFake: OF_PG });
    uninstall = () => clock.uninstall();
  },
};

const job = (n = 0): object => jobArgs('faked', { n });
let client: StartedClient;
beforeAll(async () => {
  client = await startClient({ river: { notify: { cooldownMs: 1 } } });
});
afterAll(() => client.stop());

describe.each(Object.entries(WAYS))('with all timers faked by %s', (_name, install) => {
  beforeEach(async () => {
    await queryAll(client.database, 'delete from river_job');
    install();
  });
  afterEach(() => uninstall());

  test('every form of insert returns', async () => {
    const { river } = client;
    await Promise.all([river.insert(job(1)), river.insert(job(2)), river.insert(job(3))]);
    await river.insert(job(), { uniqueOpts: { byArgs: true } });
    await river.insert(job(), { uniqueOpts: { byQueue: true, byState: ['available'] } });
    await river.insertMany([job(4), job(5)]);
    await river.insertManyFast(
      (async function* () {
        yield* [job(6), job(7)];
      })(),
    );
    expect(await countJobs(client.database)).toBe(8);
  });

  test('a transaction commits, with what nobody awaited, a savepoint, hooks and limits', async () => {
    const { river, transaction } = client;
    const hook = jest.fn();
    await transaction.run({ timeoutMs: 60_000, retries: 1 }, async () => {
      transaction.afterCommit(hook);
      await river.insert(job());
      await transaction.run({ propagation: 'NESTED' }, () => river.insert(job()));
      await river.insertManyFast([job()]);
      await transaction.outside(() => river.insert(job()));
      void river.insert(job());
    });
    expect(hook).toHaveBeenCalledTimes(1);
    expect(await countJobs(client.database)).toBe(5);
  });

  test('a failed transaction is run again', async () => {
    let attempts = 0;
    await client.transaction.run({ retries: 2 }, async (manager) => {
      await client.river.insert(job());
      if (++attempts < 3) await manager.query(`do $$ begin raise sqlstate '40001'; end $$`);
    });
    expect(await countJobs(client.database)).toBe(1);
  });

  test('a wait ends, by its job and by its limit', async () => {
    const { river } = client;
    const { job: done } = await river.insert(job());
    const wait = river.waitFor(done);
    await queryAll(
      client.database,
      `update river_job set state = 'completed', finalized_at = now()`,
    );
    await expect(wait).resolves.toMatchObject({ job: { state: 'completed' } });
    const limited = river.insertAndWait(job(), undefined, { timeoutMs: 20 });
    await expect(limited).rejects.toMatchObject({ code: 'RIVER_WAIT_TIMEOUT' });
  });

  test('an application starts and ends', async () => {
    const other = await startClient({ database: client.database });
    await other.river.insert(job());
    await other.stop();
    expect(await countJobs(client.database)).toBe(1);
  });
});
