import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  JobArgs,
  jobArgs,
  rawJson,
  RiverClient,
  type InsertOptions,
  type JobRow,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { asStored, startClient, storedJobs, type StartedClient } from './started-client.js';

const NOW = new Date('2026-11-21T10:07:33.123Z');
const LATER = new Date('2026-12-24T18:00:00.001Z');
const EARLIER = new Date('2020-01-01T00:00:00.000Z');

/** SHA-256 of `&kind=sort&args={"strings":["whale","tiger","bear"]}`, and so on: of River's Go client. */
const KEYS = {
  byArgs: /^7631da30ce3c/,
  byState: /^e65ea4ac25a2/,
  byQueue: /^99fdaffdd11e/,
};

@JobArgs('sort')
class SortArgs {
  constructor(readonly strings: string[]) {}
}

@JobArgs('with_defaults', {
  maxAttempts: 7,
  metadata: { from: 'class' },
  priority: 4,
  queue: 'of_class',
  tags: ['class'],
  uniqueOpts: { byQueue: true },
})
class ArgsWithDefaults {
  constructor(readonly own: InsertOptions) {}

  insertOpts(): InsertOptions {
    return this.own;
  }

  toJSON(): object {
    return {};
  }
}

let client: StartedClient;
let river: RiverClient;

beforeAll(async () => {
  client = await startClient({ river: { clock: () => NOW, maxAttempts: 9 } });
  river = client.river;
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'delete from river_job'));

async function theRow(): Promise<Readonly<Record<string, unknown>>> {
  const rows = await storedJobs(client.database);
  expect(rows).toHaveLength(1);
  return rows[0] ?? {};
}

describe('the row of a job', () => {
  test("without options has River's defaults, and the module's", async () => {
    const { job } = await river.insert(new SortArgs(['whale', 'tiger', 'bear']));
    expect(await theRow()).toEqual({
      id: String(job.id),
      args: { strings: ['whale', 'tiger', 'bear'] },
      attempt: 0,
      attempted_at: null,
      attempted_by: null,
      created_at: NOW,
      errors: null,
      finalized_at: null,
      kind: 'sort',
      max_attempts: 9,
      metadata: {},
      priority: 1,
      queue: 'default',
      scheduled_at: NOW,
      state: 'available',
      tags: [],
      unique_key: null,
      unique_states: null,
    });
  });

  const cases: [what: string, opts: InsertOptions<SortArgs>, columns: Record<string, unknown>][] = [
    ['maxAttempts', { maxAttempts: 1 }, { max_attempts: 1 }],
    ['maxAttempts, at most', { maxAttempts: 32767 }, { max_attempts: 32767 }],
    ['maxAttempts null', { maxAttempts: null }, { max_attempts: 25 }],
    [
      'metadata',
      { metadata: { trace: 'ü', n: [1, null] } },
      { metadata: { trace: 'ü', n: [1, null] } },
    ],
    ['pending', { pending: true }, { state: 'pending', scheduled_at: NOW }],
    ['pending false', { pending: false }, { state: 'available' }],
    ['priority', { priority: 4 }, { priority: 4 }],
    ['queue', { queue: 'a-b_c|d9' }, { queue: 'a-b_c|d9' }],
    ['queue, at its longest', { queue: 'q'.repeat(64) }, { queue: 'q'.repeat(64) }],
    ['scheduledAt', { scheduledAt: LATER }, { state: 'scheduled', scheduled_at: LATER }],
    [
      'scheduledAt in the past',
      { scheduledAt: EARLIER },
      { state: 'scheduled', scheduled_at: EARLIER },
    ],
    [
      'pending beside scheduledAt',
      { pending: true, scheduledAt: LATER },
      { state: 'pending', scheduled_at: LATER },
    ],
    [
      'delay',
      { delay: 1500 },
      { state: 'scheduled', scheduled_at: new Date(NOW.getTime() + 1500) },
    ],
    ['delay 0', { delay: 0 }, { state: 'available', scheduled_at: NOW }],
    [
      'tags, repeated and in order',
      { tags: ['b_tag', 'a-tag', 'b_tag'] },
      { tags: ['b_tag', 'a-tag', 'b_tag'] },
    ],
    ['tags, at their longest', { tags: ['t'.repeat(255)] }, { tags: ['t'.repeat(255)] }],
    ['no tags', { tags: [] }, { tags: [] }],
    ['empty unique options', { uniqueOpts: {} }, { unique_key: null, unique_states: null }],
  ];
  test.each(cases)('with %s', async (_what, opts, columns) => {
    const { job } = await river.insert(new SortArgs(['a']), opts);
    const row = await theRow();
    expect(row).toMatchObject({ created_at: NOW, ...columns });
    expect(asStored(job)).toEqual(row);
  });

  const states = ['available', 'pending', 'running', 'scheduled'] as const;
  const unique: [what: string, opts: InsertOptions<SortArgs>, key: RegExp, bits: string][] = [
    ['byArgs', { uniqueOpts: { byArgs: true } }, KEYS.byArgs, '11110101'],
    [
      'byArgs of all its properties',
      { uniqueOpts: { byArgs: ['strings'] } },
      KEYS.byArgs,
      '11110101',
    ],
    ['byQueue', { uniqueOpts: { byQueue: true } }, KEYS.byQueue, '11110101'],
    ['byState', { uniqueOpts: { byState: states } }, KEYS.byState, '11010001'],
    ['an empty byState', { uniqueOpts: { byState: [] } }, KEYS.byState, '11110101'],
  ];
  test.each(unique)('that is unique %s', async (_what, opts, key, bits) => {
    const { job } = await river.insert(new SortArgs(['whale', 'tiger', 'bear']), opts);
    const row = await theRow();
    expect(
      String(row['unique_key'] instanceof Buffer && row['unique_key'].toString('hex')),
    ).toMatch(key);
    expect(row['unique_states']).toBe(bits);
    expect(asStored(job)).toEqual(row);
  });

  test('takes each option from the innermost level that gives it', async () => {
    const opts = { priority: 2, tags: [] };
    const { job } = await river.insert(new ArgsWithDefaults({ priority: 3, queue: 'own' }), opts);
    const row = await theRow();
    expect(row).toMatchObject({
      max_attempts: 7,
      metadata: { from: 'class' },
      priority: 2,
      queue: 'own',
      tags: [],
    });
    expect(row['unique_key']).toBeInstanceOf(Buffer);
    expect(asStored(job)).toEqual(row);
  });

  test('has no unique key when the call clears the unique options of the class', async () => {
    await river.insert(new ArgsWithDefaults({}), { uniqueOpts: null });
    expect(await theRow()).toMatchObject({ unique_key: null, unique_states: null });
  });

  test('holds integers of any size, and all that JSON can', async () => {
    const payload = {
      big: 123456789012345678901234567890n,
      text: 'ü\u2028\u{1f40b}"\\/<&>\n',
      nested: [{ a: null }, [], {}, true, -1.5e-7],
    };
    const { job } = await river.insert(jobArgs('anything', payload));
    const read = { ...payload, big: '123456789012345678901234567890' };
    expect(job.args).toEqual(read);
    const [row] = await queryAll(
      client.database,
      `select args->>'big' as big, args->>'text' as text, args->'nested' as nested from river_job`,
    );
    expect(row).toEqual(read);
    const again = await river.insert(jobArgs(job.kind, rawJson(job.encodedArgs)));
    expect(again.job.encodedArgs).toBe(job.encodedArgs);
  });

  test('is the same for each job of a batch, by one reading of the clock', async () => {
    const results = await river.insertMany([
      jobArgs('first', { n: 1 }),
      new SortArgs(['second']),
      new ArgsWithDefaults({ tags: ['third'] }),
    ]);
    expect(results.map(({ job }) => asStored(job as JobRow<object>))).toEqual(
      await storedJobs(client.database),
    );
    expect(new Set(results.map(({ job }) => job.createdAt.getTime()))).toEqual(
      new Set([NOW.getTime()]),
    );
  });
});
