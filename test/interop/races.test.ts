import { beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobArgs } from 'nestjs-river';
import type { GoJob } from './support/go-protocol.js';
import { runSize } from '../support/run-size.js';
import { SCHEMAS, useTwoSides, type TwoSides, type Schema } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

const rounds = runSize('RACE_ROUNDS', { here: 30, ci: 100 });
const RACERS = 4;
/** Time for the request to reach Go before the start. */
const NOTICE_MS = 15;

interface Entry {
  readonly id: string;
  readonly skipped: boolean;
}

describeWithGo('a race for a unique job', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened), { clears: true });

  beforeAll(async () => {
    // Connections are opened before the races, or the first start would be won by those there.
    for (const schema of SCHEMAS) await race(sides, schema, -1);
  }, 60_000);

  describe.each(SCHEMAS)('in %s', (schema) => {
    test(
      `has one winner, whose row all get: RACE_ROUNDS=${rounds}, ${RACERS} of ours and ${RACERS} of Go's`,
      async () => {
        const winners = { ours: 0, gos: 0 };
        for (let round = 0; round < rounds; round++) {
          const { ours, gos } = await race(sides, schema, round);
          const all = [...ours, ...gos];
          expect({ round, ids: new Set(all.map(({ id }) => id)).size }).toEqual({ round, ids: 1 });
          expect(all.filter(({ skipped }) => !skipped)).toHaveLength(1);
          winners[ours.some(({ skipped }) => !skipped) ? 'ours' : 'gos'] += 1;
        }
        expect(await sides.rows.count(schema)).toBe(rounds);
        process.stdout.write(`${rounds} races in ${schema}: ${JSON.stringify(winners)}\n`);
      },
      30_000 + rounds * 500,
    );
  });
});

async function race(
  sides: TwoSides,
  schema: Schema,
  round: number,
): Promise<{ ours: Entry[]; gos: Entry[] }> {
  const startAtUnixMs = Date.now() + NOTICE_MS;
  const job: GoJob = {
    kind: 'race',
    encodedArgs: JSON.stringify({ round }),
    opts: { uniqueOpts: { byArgs: true } },
  };
  const [ours, gos] = await Promise.all([
    raceOurs(sides, schema, { round, startAtUnixMs }),
    sides.go.race(job, { count: RACERS, startAtUnixMs, schema }),
  ]);
  return {
    ours,
    gos: gos.map(({ id, uniqueSkippedAsDuplicate, error }) => {
      if (error !== undefined) throw new Error(`Go in round ${round}: ${error}`);
      return { id, skipped: uniqueSkippedAsDuplicate };
    }),
  };
}

async function raceOurs(
  sides: TwoSides,
  schema: Schema,
  { round, startAtUnixMs }: { round: number; startAtUnixMs: number },
): Promise<Entry[]> {
  await sleep(startAtUnixMs - Date.now());
  const entries = Array.from({ length: RACERS }, async () => {
    const { job, uniqueSkippedAsDuplicated } = await sides
      .river(schema)
      .insert(jobArgs('race', { round }), { uniqueOpts: { byArgs: true } });
    return { id: String(job.id), skipped: uniqueSkippedAsDuplicated };
  });
  return Promise.all(entries);
}
