import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmptyDatabase } from '../support/index.js';
import { encodedArgsOf } from './support/compare-params.js';
import { GoClient } from './support/go-client.js';
import { goJob, ourJob, type JobCase } from './support/job-case.js';
import { openRiver, type RiverApp } from './support/river-app.js';
import { StoredRows } from './support/stored-rows.js';
import { describeWithGo } from './support/toolchain.js';

const REQUIRED = ['available', 'pending', 'running', 'scheduled'];
const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const NOON = new Date('2126-11-21T12:00:00Z');
const NEXT_WEEK = new Date(NOON.getTime() + 7 * DAY);

const job: JobCase = { kind: 'sort', args: { value: { a: 1, b: { c: 2, d: '<é>' } } } };

interface Pair {
  readonly first: JobCase;
  /** A duplicate of the first, though it may differ where that does not count. */
  readonly again: JobCase;
  /** Differs where it counts. */
  readonly other: JobCase;
}

function pair(unique: JobCase['unique'], again: Partial<JobCase>, other: Partial<JobCase>): Pair {
  const first: JobCase = { ...job, unique };
  return { first, again: { ...first, ...again }, other: { ...first, ...other } };
}

const otherArgs = { args: { value: { a: 1, b: { c: 3, d: '<é>' } } } };
const otherNote = { args: { value: { a: 9, b: { c: 2, d: 'other' } } } };

const DIMENSIONS: Record<string, Pair> = {
  'all args': pair({ byArgs: true }, { queue: 'slow', priority: 2, tags: ['tag'] }, otherArgs),
  'args in another order': pair(
    { byArgs: true },
    { args: { text: '{"b":{"c":2,"d":"<é>"},"a":1}' } },
    { args: { text: '{"b":{"d":"<é>","c":2},"a":1}' } },
  ),
  'selected args': pair(
    { byArgs: { b: { tagged: false, inside: { c: { tagged: true } } } } },
    otherNote,
    otherArgs,
  ),
  'the period': pair(
    { byPeriodMs: 7 * DAY },
    { scheduledAt: new Date(NOON.getTime() + 60 * SECOND), ...otherArgs },
    { scheduledAt: NEXT_WEEK },
  ),
  'the queue': pair({ byQueue: true }, otherArgs, { queue: 'slow' }),
  'the kind alone': pair({ byState: [] }, otherArgs, { kind: 'other' }),
  'a mask of its own': pair({ byArgs: true, byState: REQUIRED }, { queue: 'slow' }, otherArgs),
  'args of any kind': pair({ byArgs: true, excludeKind: true }, { kind: 'other' }, otherArgs),
  'all at once': pair(
    { byArgs: true, byPeriodMs: 90_500, byQueue: true, byState: [...REQUIRED, 'cancelled'] },
    { priority: 3 },
    { queue: 'slow' },
  ),
};
// Both times of a pair lie in one period whatever the time of the test.
const scheduled = (each: JobCase): JobCase => ({ scheduledAt: NOON, ...each });

const UNIQUE: JobCase = { ...job, unique: { byArgs: true } };

/** Which finished jobs stand in the way, by their own mask. */
const FINISHED: [state: string, mask: string[] | undefined, blocks: boolean][] = [
  ['completed', undefined, true],
  ['cancelled', undefined, false],
  ['discarded', undefined, false],
  ['completed', REQUIRED, false],
  ['cancelled', [...REQUIRED, 'cancelled'], true],
  ['discarded', [...REQUIRED, 'discarded'], true],
];

const PLACES = [6, 7, 8].flatMap((version) =>
  ['public', 'other_river'].map((schema) => ({ version, schema })),
);

describeWithGo('duplicates across languages', () => {
  describe.each(PLACES)('on version $version in $schema', ({ version, schema }) => {
    let app: RiverApp;
    let go: GoClient;
    let rows: StoredRows;

    beforeAll(async () => {
      const database = await createEmptyDatabase({ schema });
      go = await GoClient.start(database);
      await go.migrate({ schema, targetVersion: version });
      app = await openRiver(database, { schema });
      rows = await StoredRows.open(database);
    }, 300_000);

    afterAll(async () => {
      await go.close();
      await rows.close();
      await app.close();
    });

    beforeEach(async () => {
      await rows.clear(schema);
    });

    const byUs: Insert = async (each) => {
      const { args, opts } = ourJob(each);
      const { job: row, uniqueSkippedAsDuplicated } = await app.river.insert(args, opts);
      return { id: String(row.id), skipped: uniqueSkippedAsDuplicated };
    };
    const byGo: Insert = async (each, tx) => {
      const where = tx === undefined ? { schema } : { schema, tx };
      const { job: row, uniqueSkippedAsDuplicate } = await go.insert(
        goJob(each, encodedArgsOf(each)),
        where,
      );
      return { id: row.id, skipped: uniqueSkippedAsDuplicate };
    };
    const DIRECTIONS: [string, Insert, Insert][] = [
      ['Go inserts, we are skipped', byGo, byUs],
      ['we insert, Go is skipped', byUs, byGo],
    ];

    describe.each(DIRECTIONS)('%s', (_name, insertFirst, insertSecond) => {
      test.each(Object.entries(DIMENSIONS))('by %s', async (_name, { first, again, other }) => {
        const { id } = await insertFirst(scheduled(first));
        const stored = await rows.row(schema, id);

        expect(await insertSecond(scheduled(again))).toEqual({ id, skipped: true });
        expect(await rows.row(schema, id)).toEqual(stored);
        expect(await rows.count(schema)).toBe(1);

        expect(await insertSecond(scheduled(other))).toMatchObject({ skipped: false });
        expect(await rows.count(schema)).toBe(2);
      });

      const changed = Object.entries(DIMENSIONS).filter(
        ([, { first, other }]) => first.kind === other.kind,
      );
      test.each(changed)('by %s, once jobUpdate has changed it', async (_name, pair) => {
        const [first, other] = [scheduled(pair.first), scheduled(pair.other)];
        const { id } = await insertFirst(first);
        const { args, opts } = ourJob(other);
        const { queue, scheduledAt, uniqueOpts } = opts;
        await app.river.jobUpdate(id, {
          args,
          queue: queue ?? undefined,
          scheduledAt: scheduledAt ?? undefined,
          uniqueOpts: uniqueOpts ?? undefined,
        });

        expect(await insertSecond(other)).toEqual({ id, skipped: true });
        expect(await insertSecond(first)).toMatchObject({ skipped: false });
      });

      test.each(FINISHED)('once %s, with the mask %s: %s', async (state, byState, blocks) => {
        const unique: JobCase = { ...job, unique: { byArgs: true, byState } };
        const { id } = await insertFirst(unique);
        await rows.finish(schema, id, state);

        expect((await insertSecond(unique)).skipped).toBe(blocks);
      });
    });

    const ENDS: [string, boolean][] = [
      ['skipped after the commit', true],
      ['stored after the rollback', false],
    ];

    test.each(ENDS)("while Go's transaction is open we wait, and are %s", async (_name, commit) => {
      await go.begin('open');
      const first = await byGo(UNIQUE, 'open');
      const [{ id, skipped }, waited] = await waiting(byUs(UNIQUE), () =>
        go.end('open', { commit }),
      );
      expect({ waited, skipped, same: id === first.id }).toEqual({
        waited: true,
        skipped: commit,
        same: commit,
      });
    });

    test.each(ENDS)('while our transaction is open Go waits, and is %s', async (_name, commit) => {
      const { args, opts } = ourJob(UNIQUE);
      const runner = app.dataSource.createQueryRunner();
      try {
        await runner.startTransaction();
        const { job: first } = await app.river.insertTx(runner, args, opts);
        const [{ id, skipped }, waited] = await waiting(byGo(UNIQUE), () =>
          commit ? runner.commitTransaction() : runner.rollbackTransaction(),
        );
        expect({ waited, skipped, same: id === String(first.id) }).toEqual({
          waited: true,
          skipped: commit,
          same: commit,
        });
      } finally {
        await runner.release();
      }
    });
  });
});

/** Ends what an insert waits for after a while, and tells whether it did wait. */
async function waiting<Answer>(
  insert: Promise<Answer>,
  end: () => Promise<void>,
): Promise<[answer: Answer, waited: boolean]> {
  let answered = false;
  const answer = insert.finally(() => (answered = true));
  await sleep(100);
  const waited = !answered;
  await end();
  return [await answer, waited];
}

/** Inserts by one client or the other. */
type Insert = (job: JobCase, tx?: string) => Promise<{ id: string; skipped: boolean }>;
