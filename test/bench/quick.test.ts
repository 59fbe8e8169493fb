import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/index.js';

const run = promisify(execFile);
const FIGURES = ['p50_ms', 'p99_ms', 'per_second', 'ratio_to_raw', 'rss_growth_mib'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'river-bench-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function bench(...switches: string[]): Promise<{ stdout: string; json: unknown }> {
  const { url } = await createTestDatabase();
  const file = join(folder, 'results.json');
  const args = ['test/bench/run.mjs', '--url', url, '--json', file, ...switches];
  const { stdout } = await run(process.execPath, args);
  return { stdout, json: JSON.parse(await readFile(file, 'utf8')) };
}

test('--quick --json: four scenarios, two subjects, five figures each', async () => {
  const { json, stdout } = await bench('--quick', '--rounds', '1');
  const { scenarios, ...rest } = json as {
    scenarios: Record<string, Record<string, Record<string, number | null>>>;
  };
  expect(rest).toEqual({});
  expect(Object.keys(scenarios)).toEqual(['single', 'concurrent64', 'tx', 'bulk100k']);
  for (const [scenario, subjects] of Object.entries(scenarios)) {
    expect(Object.keys(subjects).sort()).toEqual(['ours', 'raw']);
    for (const figures of Object.values(subjects)) {
      expect(Object.keys(figures).sort()).toEqual(FIGURES);
      const { p50_ms, p99_ms, per_second, ratio_to_raw, rss_growth_mib } = figures;
      const isBulk = scenario === 'bulk100k';
      for (const figure of [per_second, ratio_to_raw, ...(isBulk ? [] : [p50_ms, p99_ms])]) {
        expect(figure).toBeGreaterThan(0);
      }
      if (isBulk) expect([p50_ms, p99_ms]).toEqual([null, null]);
      else expect(rss_growth_mib).toBeNull();
    }
    expect(stdout).toContain(`### \`${scenario}\``);
  }
}, 120_000);

test('a scenario or a subject that there is none of is refused before anything is done', async () => {
  await expect(bench('--scenarios', 'single,nope')).rejects.toThrow(
    /--scenarios: there is no nope/,
  );
  await expect(bench('--subjects', 'theirs')).rejects.toThrow(/--subjects: there is no theirs/);
});
