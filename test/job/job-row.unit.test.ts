import { describe, expect, test } from '@jest/globals';
import { JobRow, type JobRowFields } from '../../lib/job/job-row.js';

const FIELDS: JobRowFields = {
  id: 9_007_199_254_740_993n,
  args: { n: 1, big: 18_446_744_073_709_551_616n, nested: [{ big: -(2n ** 60n) }], none: null },
  encodedArgs: '{"n":1}',
  attempt: 1,
  attemptedAt: new Date('2026-11-21T10:07:33.123Z'),
  attemptedBy: ['worker-1'],
  createdAt: new Date('2026-11-21T10:07:00Z'),
  errors: [{ at: new Date('2026-11-21T10:07:34Z'), attempt: 1, error: 'no', trace: '' }],
  finalizedAt: null,
  kind: 'sort',
  maxAttempts: 25,
  metadata: { big: 2n ** 64n },
  priority: 1,
  queue: 'default',
  scheduledAt: new Date('2026-11-21T10:07:00Z'),
  state: 'available',
  tags: ['abc'],
  uniqueKey: Uint8Array.from([0, 1, 254, 255]),
  uniqueStates: ['available'],
};

describe('JobRow', () => {
  test('has the fields it is made of', () => {
    expect({ ...new JobRow(FIELDS) }).toEqual(FIELDS);
  });

  test('becomes JSON: bigints as decimal text, dates as text, the unique key in hexadecimal', () => {
    expect(JSON.parse(JSON.stringify(new JobRow(FIELDS)))).toEqual({
      ...FIELDS,
      id: '9007199254740993',
      args: {
        n: 1,
        big: '18446744073709551616',
        nested: [{ big: '-1152921504606846976' }],
        none: null,
      },
      attemptedAt: '2026-11-21T10:07:33.123Z',
      createdAt: '2026-11-21T10:07:00.000Z',
      errors: [{ at: '2026-11-21T10:07:34.000Z', attempt: 1, error: 'no', trace: '' }],
      metadata: { big: '18446744073709551616' },
      scheduledAt: '2026-11-21T10:07:00.000Z',
      uniqueKey: '0001feff',
    });
  });

  test('without a unique key says null', () => {
    const row = new JobRow({ ...FIELDS, uniqueKey: null, uniqueStates: null });
    expect(row.toJSON()).toMatchObject({ uniqueKey: null, uniqueStates: null });
  });

  test('keeps args under names that JavaScript objects know by themselves', () => {
    const args: unknown = JSON.parse('{"__proto__":{"a":1},"toJSON":"text","constructor":1}');
    const json = JSON.parse(JSON.stringify(new JobRow({ ...FIELDS, args }))) as { args: object };
    expect(JSON.stringify(json.args)).toBe('{"__proto__":{"a":1},"toJSON":"text","constructor":1}');
  });

  test('is not changed by being written as JSON', () => {
    const row = new JobRow(FIELDS);
    row.toJSON();
    expect({ ...row }).toEqual(FIELDS);
  });
});
