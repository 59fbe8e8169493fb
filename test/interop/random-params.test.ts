import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareParams, type Outcome } from './support/compare-params.js';
import { GoClient } from './support/go-client.js';
import { jobCases } from './support/job-arbitraries.js';
import { INTEROP_SEED, runSize } from '../support/run-size.js';
import { describeWithGo } from './support/toolchain.js';

const numRuns = runSize('INTEROP_RUNS', { here: 200, ci: 500 });
const seed = INTEROP_SEED;

describeWithGo('any job, before any statement', () => {
  let go: GoClient;

  beforeAll(async () => {
    go = await GoClient.start();
  }, 300_000);

  afterAll(async () => {
    await go.close();
  });

  test(
    `is what Go makes of it: INTEROP_RUNS=${numRuns} INTEROP_SEED=${seed}`,
    async () => {
      const seen: Record<Outcome, number> = {
        agreed: 0,
        'agreed, unique': 0,
        'refused by both': 0,
        'decided difference': 0,
      };
      const property = fc.asyncProperty(jobCases, async (job) => {
        seen[await compareParams(go, job)] += 1;
      });
      await fc.assert(property, { numRuns, seed });

      process.stdout.write(`${numRuns} random jobs, seed ${seed}: ${JSON.stringify(seen)}\n`);
      // The cases are of use only if there are some of each sort, most of them taken.
      expect(seen['agreed, unique']).toBeGreaterThan(numRuns / 4);
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(numRuns / 50);
    },
    30_000 + numRuns * 20,
  );
});
