import { describe, expect, test } from '@jest/globals';
import { jobArgs } from '../../lib/job/job-args.js';
import { keyOf } from './key-text.js';

const MINUTE = 60;
const DAY = 86_400;

/** The beginning of the period that a time lies in, as the key's text says it. */
function periodStart(time: string, seconds: number): string {
  const opts = {
    scheduledAt: new Date(time),
    uniqueOpts: { byPeriod: seconds, excludeKind: true },
  };
  return keyOf(jobArgs('sort', {}), opts).text.replace('&period=', '');
}

describe('the period of a unique key', () => {
  test.each([
    [15 * MINUTE, '2026-11-21T10:00:00Z'],
    [5400, '2026-11-21T09:00:00Z'],
    [DAY, '2026-11-21T00:00:00Z'],
    [7 * DAY, '2026-11-16T00:00:00Z'],
    [30 * DAY, '2026-11-01T00:00:00Z'],
    [1, '2026-11-21T10:07:33Z'],
    [1.5, '2026-11-21T10:07:33Z'],
    [7, '2026-11-21T10:07:27Z'],
  ])('of %d seconds is counted from the year 1', (seconds, start) => {
    expect(periodStart('2026-11-21T10:07:33Z', seconds)).toBe(start);
  });

  test('begins at its first millisecond and not before', () => {
    expect(periodStart('2026-11-21T09:59:59.999Z', 15 * MINUTE)).toBe('2026-11-21T09:45:00Z');
    expect(periodStart('2026-11-21T10:00:00.000Z', 15 * MINUTE)).toBe('2026-11-21T10:00:00Z');
    expect(periodStart('2026-11-21T10:14:59.999Z', 15 * MINUTE)).toBe('2026-11-21T10:00:00Z');
  });

  test('is rounded down before 1970, before the year 1 and around both', () => {
    expect(periodStart('1969-12-31T23:59:59.999Z', DAY)).toBe('1969-12-31T00:00:00Z');
    expect(periodStart('1969-12-31T23:59:59.999Z', 1)).toBe('1969-12-31T23:59:59Z');
    expect(periodStart('1970-01-01T00:00:00Z', 1)).toBe('1970-01-01T00:00:00Z');
    expect(periodStart('1900-02-28T12:00:00Z', 7 * DAY)).toBe('1900-02-26T00:00:00Z');
    expect(periodStart('0001-01-01T00:00:00Z', 7 * DAY)).toBe('0001-01-01T00:00:00Z');
    expect(periodStart('0000-12-31T23:59:59.999Z', 7 * DAY)).toBe('0000-12-25T00:00:00Z');
    expect(periodStart('-000001-12-31T23:59:59.999Z', DAY)).toBe('-0001-12-31T00:00:00Z');
  });

  test('has a year of more than four digits as Go writes it', () => {
    expect(periodStart('+010000-01-01T12:00:00Z', DAY)).toBe('10000-01-01T00:00:00Z');
    expect(periodStart('+275760-09-12T12:00:00Z', DAY)).toBe('275760-09-12T00:00:00Z');
    expect(periodStart('0999-06-15T12:00:00Z', DAY)).toBe('0999-06-15T00:00:00Z');
  });

  test('of fractions begins within a second, which the text leaves out', () => {
    // 63,930,852,453 s since the year 1; 2.5 s go into it 25,572,340,981 times, and 0.5 s are left.
    expect(periodStart('2026-11-21T10:07:33.000Z', 2.5)).toBe('2026-11-21T10:07:32Z');
    expect(periodStart('1969-12-31T23:59:59.400Z', 1.25)).toBe('1969-12-31T23:59:58Z');
  });

  test('of a fraction that a double cannot hold is that of the nearest nanosecond', () => {
    // Milliseconds 1,001 as Go has them: 1,000,999,999 ns would have drifted to another second.
    const now = BigInt(Date.UTC(2026, 10, 21, 10, 7, 33)) + 62_135_596_800_000n;
    const start = new Date(Number(now - (now % 1001n) - 62_135_596_800_000n));
    expect(periodStart('2026-11-21T10:07:33Z', 1.001)).toBe(`${start.toISOString().slice(0, 19)}Z`);
  });

  test('may be the longest that River has', () => {
    expect(periodStart('2026-11-21T10:07:33Z', 9_223_372_036)).toMatch(/^1754-/);
  });
});
