import { spawn } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/index.js';

const TRIALS = 500;
const SEED = 20_260_701;

function run(url: string, switches: string[]): Promise<{ code: number | null; output: string }> {
  const script = ['test/chaos/run.mjs', '--url', url, '--seed', String(SEED), ...switches];
  const child = spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, output: output.join('') }));
  });
}

test(`${TRIALS} random careless handlers: the database holds what their callers were told`, async () => {
  const { url } = await createTestDatabase();
  const { code, output } = await run(url, ['--trials', String(TRIALS)]);
  expect(output).toContain('mismatches: 0');
  expect(output).toContain('trials with stray rows: 0');
  expect(output).toContain('pool back to its baseline: yes');
  expect(code).toBe(0);
}, 120_000);

test('the trials find what is wrong when the end waits for nothing', async () => {
  const { url } = await createTestDatabase();
  const { code, output } = await run(url, ['--trials', '200', '--without', 'settle']);
  expect(output).toMatch(/mismatches: [1-9]/);
  expect(code).toBe(1);
}, 120_000);
