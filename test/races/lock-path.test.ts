import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { runSize } from '../support/run-size.js';

const PROCESSES = 3;
const ROUNDS = runSize('RACE_ROUNDS', { here: 20, ci: 100 });

interface Outcome {
  readonly id?: string;
  readonly skipped?: boolean;
  readonly error?: string;
}

class Racer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(url: string) {
    this.#process = spawn(process.execPath, ['test/races/lock-path-racer.mjs', url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const input = this.#process.stdout as NodeJS.ReadableStream;
    const lines: Interface = createInterface({ input });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value } = (await this.#lines.next()) as { value: string };
    return value;
  }

  ask(round: number, startAt: number): void {
    this.#process.stdin?.write(`${round} ${startAt}\n`);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin?.end();
    await ended;
  }
}

let database: TestDatabase;
let racers: Racer[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  racers = Array.from({ length: PROCESSES }, () => new Racer(database.url));
  for (const racer of racers) expect(await racer.line()).toBe('ready');
});
afterAll(() => Promise.all(racers.map((racer) => racer.stop())));

test(
  `${ROUNDS} rounds of ${PROCESSES} processes on the lock path: one row each, and every caller gets it`,
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const startAt = Date.now() + 8;
      for (const racer of racers) racer.ask(round, startAt);
      const lines = await Promise.all(racers.map((racer) => racer.line()));
      const outcomes = lines.flatMap((line) => JSON.parse(line) as Outcome[]);
      expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(new Set(outcomes.map(({ id }) => id)).size).toBe(1);
      expect(outcomes.filter(({ skipped }) => skipped === false)).toHaveLength(1);
    }
    const rows = await queryAll(
      database,
      `select args, count(*)::int as rows from river_job group by args having count(*) <> 1`,
    );
    expect(rows).toEqual([]);
  },
  30_000 + ROUNDS * 100,
);
