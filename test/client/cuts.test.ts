import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/index.js';

/** `node test/client/cuts.mjs --runs 1200` goes through more of the places than the suite has time for. */
const RUNS = 72;

test('what every form of insert reports when its connection is lost is what the database holds', async () => {
  const { url } = await createTestDatabase();
  const child = spawn(process.execPath, ['test/client/cuts.mjs', '--runs', String(RUNS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TEST_DATABASE_URL: url },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const text = output.join('');
  expect(text).not.toContain('LIE');
  expect(text).toContain(`${RUNS} connections lost`);
  expect(text).toContain('lies: 0');
  // An answer may be lost before the server has the statement, and after it.
  expect(text).toMatch(/InsertOutcomeUnknownError: unknown \| stored: yes/);
  expect(text).toMatch(/InsertOutcomeUnknownError: unknown \| stored: no/);
  expect(text).toMatch(/DatabaseError: not-stored, retryable \| stored: no/);
  expect(code).toBe(0);
}, 120_000);
