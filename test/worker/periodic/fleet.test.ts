import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { randomOf } from '../../chaos/random.mjs';
import { createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { INTEROP_SEED } from '../../support/run-size.js';

const PERIODS_MS = [2_000, 3_000];
const KILLS = 6;
/** A process takes seconds to start on a busy machine. */
const LIMIT_MS = 180_000;

let fleet: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(fleet.map(kill));
});

async function start(database: TestDatabase): Promise<ChildProcess> {
  const child = fork('test/worker/periodic/periodic-program.mjs', [
    database.url,
    ...PERIODS_MS.map(String),
  ]);
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** For each job the times at which it was due, in milliseconds, and who inserted it. */
async function inserted(database: TestDatabase): Promise<Map<number, number[]>> {
  const rows = await queryAll<{ id: string; due: number }>(
    database,
    `select metadata ->> 'river:periodic_job_id' as id,
      (extract(epoch from scheduled_at) * 1000)::float8 as due
    from river_job order by scheduled_at`,
  );
  const dues = (period: number): number[] =>
    rows.filter(({ id }) => id === `every-${period}`).map(({ due }) => due);
  return new Map(PERIODS_MS.map((period) => [period, dues(period)]));
}

test(
  'Four processes that are killed at random insert each due time exactly once',
  async () => {
    const database = await createTestDatabase();
    const random = randomOf(INTEROP_SEED, 0);
    fleet = await Promise.all([1, 2, 3, 4].map(() => start(database)));
    for (let count = 0; count < KILLS; count++) {
      await pause(random.between(500, 2_500));
      const [victim] = fleet.splice(random.upTo(fleet.length), 1);
      if (victim !== undefined) await kill(victim);
      fleet.push(await start(database));
    }
    await Promise.all(fleet.splice(0).map(kill));

    for (const [period, dues] of await inserted(database)) {
      const [first = 0] = dues;
      expect(dues.length).toBeGreaterThanOrEqual(3);
      expect(dues).toEqual(dues.map((_due, place) => first + place * period));
    }
  },
  LIMIT_MS,
);
