import { expect, test } from '@jest/globals';
import { InsertManyParams, InvalidJobError, JobArgs, jobArgs } from 'nestjs-river';
import type pg from 'pg';
import { connect } from '../support/index.js';
import { compareParams } from './support/compare-params.js';
import { DECIDED_DIFFERENCES } from './support/decided-differences.js';
import type { GoJob } from './support/go-protocol.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

const NOW = new Date('2026-11-21T10:07:33.217Z');
const [OURS, GOS] = SCHEMAS;
const SORT: GoJob = { kind: 'sort', encodedArgs: '{"a":1}' };
const UNIQUE: GoJob = { ...SORT, opts: { uniqueOpts: { byArgs: true } } };

@JobArgs('with_defaults', { metadata: { from: 'class' }, pending: true })
class WithDefaults {
  readonly a = 1;
}

describeWithGo('where we differ from Go on purpose', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened), { now: NOW, clears: true });

  test.each(DECIDED_DIFFERENCES)('$name', async (difference) => {
    const job = { kind: 'sort', args: { value: { a: 1 } }, ...difference.example };
    expect(difference.concerns(job)).toBe(true);
    expect(await compareParams(sides.go, job)).toBe('decided difference');
  });

  test.each([
    ['a kind of no letters', { ...SORT, kind: '' }, '23514'],
    ['a kind of 128 letters', { ...SORT, kind: 'é'.repeat(128) }, '23514'],
    ['NUL', { ...SORT, encodedArgs: '{"a":"\\u0000"}' }, '22P05'],
    ['a lone surrogate', { ...SORT, encodedArgs: '{"a":"\\ud800"}' }, '22P02'],
  ])(
    'what we refuse before sending, the database refuses from Go: %s',
    async (_name, job, sqlState) => {
      await expect(sides.go.insert(job, { schema: GOS })).rejects.toMatchObject({ sqlState });
      const args = JSON.parse(job.encodedArgs) as object;
      await expect(sides.river(OURS).insert(jobArgs(job.kind, args))).rejects.toThrow(
        InvalidJobError,
      );
    },
  );

  test("Go's zero time is stored as given; Go takes it for none", async () => {
    const zero = new Date('0001-01-01T00:00:00Z');
    const ours = await sides.river(OURS).insert(jobArgs('sort', {}), { scheduledAt: zero });
    const go = await sides.go.insert(
      { ...SORT, opts: { scheduledAtUnixMs: zero.getTime() } },
      { schema: GOS },
    );
    expect(ours.job).toMatchObject({ state: 'scheduled', scheduledAt: zero });
    expect(go.job.state).toBe('available');
  });

  test('an empty batch gives [], where Go refuses it', async () => {
    expect(await sides.river(OURS).insertMany([])).toEqual([]);
    await expect(sides.go.insertMany([], { schema: GOS })).rejects.toThrow('no jobs to insert');
  });

  test('a key that a batch repeats is a skipped duplicate, where Go fails', async () => {
    await expect(sides.go.insertMany([UNIQUE, UNIQUE], { schema: GOS })).rejects.toMatchObject({
      sqlState: '21000',
    });
    const item = InsertManyParams.of(jobArgs('sort', { a: 1 }), { uniqueOpts: { byArgs: true } });
    const results = await sides.river(OURS).insertMany([item, item]);
    expect(results.map((each) => each.uniqueSkippedAsDuplicated)).toEqual([false, true]);
    expect(await sides.rows.count(OURS)).toBe(1);
  });

  test("metadata and pending of a class's defaults count, which Go ignores", async () => {
    const { job } = await sides.river(OURS).insert(new WithDefaults());
    expect(job).toMatchObject({ metadata: { from: 'class' }, state: 'pending' });
  });

  test('a skipped duplicate wakes nobody, where Go notifies', async () => {
    const listener = await listen(sides, [`${OURS}.river_insert`, `${GOS}.river_insert`]);
    try {
      const opts = { uniqueOpts: { byArgs: true } };
      const insertOurs = async (): Promise<unknown> =>
        sides.river(OURS).insert(jobArgs('sort', { a: 1 }), opts);
      const insertGos = async (): Promise<unknown> => sides.go.insert(UNIQUE, { schema: GOS });
      // Beyond the 100 ms in which either would keep quiet anyway.
      for (const insert of [insertOurs, insertGos, insertOurs, insertGos]) {
        await insert();
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      expect(listener.heard.filter((channel) => channel.startsWith(OURS))).toHaveLength(1);
      expect(listener.heard.filter((channel) => channel.startsWith(GOS))).toHaveLength(2);
    } finally {
      await listener.client.end();
    }
  });
});

async function listen(
  { database }: TwoSides,
  channels: readonly string[],
): Promise<{ client: pg.Client; heard: string[] }> {
  const client = await connect(database);
  const heard: string[] = [];
  client.on('notification', ({ channel }) => heard.push(channel));
  for (const channel of channels) await client.query(`listen "${channel}"`);
  return { client, heard };
}
