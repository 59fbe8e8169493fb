import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { JobRow, type JobRowFields } from '../../lib/job/row/job-row.js';

const FIELDS: JobRowFields = {
  id: '9007199254740993',
  args: { n: 1, big: '18446744073709551616', none: null },
  encodedArgs: '{"n":1}',
  attempt: 1,
  attemptedAt: new Date('2026-11-21T10:07:33.123Z'),
  attemptedBy: ['worker-1'],
  createdAt: new Date('2026-11-21T10:07:00Z'),
  errors: [{ at: new Date('2026-11-21T10:07:34Z'), attempt: 1, error: 'no', trace: '' }],
  finalizedAt: null,
  kind: 'sort',
  maxAttempts: 25,
  metadata: {},
  priority: 1,
  queue: 'default',
  scheduledAt: new Date('2026-11-21T10:07:00Z'),
  state: 'available',
  tags: ['abc'],
  uniqueKey: '0001feff',
  uniqueStates: ['available'],
};

describe('JobRow', () => {
  test('has the fields it is made of, and its own name', () => {
    const row = new JobRow(FIELDS);
    expect({ ...row }).toEqual(FIELDS);
    expect(inspect(row)).toMatch(/^JobRow \{\n {2}id: '9007199254740993',/);
  });

  test('is the class of every object with the fields of a row, and of no other', () => {
    const { uniqueStates: _left, ...incomplete } = FIELDS;
    for (const row of [new JobRow(FIELDS), FIELDS, structuredClone(FIELDS), { ...FIELDS, more: 1 }])
      expect(row).toBeInstanceOf(JobRow);
    for (const value of [incomplete, Object.create(FIELDS), {}, null, undefined, 'row', [FIELDS]])
      expect(value instanceof JobRow).toBe(false);
  });

  test('has subclasses, whose instances are only their own', () => {
    class Special extends JobRow {}
    expect(new Special(FIELDS)).toBeInstanceOf(Special);
    expect(FIELDS instanceof Special).toBe(false);
  });
});
