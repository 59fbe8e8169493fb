import { describe, expect, test } from '@jest/globals';
import { RiverConfigurationError } from 'nestjs-river';
import { cronSchedule, everyMs, type Schedule } from '../../../lib/worker/periodic/schedule.js';

/** The first times after `from`, in UTC, to the minute. */
function times(schedule: Schedule, from: string, count = 3): string[] {
  const found: string[] = [];
  let time: Date | undefined = new Date(from);
  while (found.length < count && (time = schedule.nextAfter(time)))
    found.push(time.toISOString().replace(/:00\.000Z$/, ''));
  return found;
}

// As `cron.ParseStandard` of github.com/robfig/cron v3.0.1 has them.
test.each([
  ['*/20 * * * *', ['2026-05-05T10:20', '2026-05-05T10:40', '2026-05-05T11:00']],
  ['5/25 10 * * ?', ['2026-05-05T10:30', '2026-05-05T10:55', '2026-05-06T10:05']],
  ['0 0 */1 * MON', ['2026-05-11T00:00', '2026-05-18T00:00', '2026-05-25T00:00']],
  ['0 0 */2 * mon', ['2026-05-07T00:00', '2026-05-09T00:00', '2026-05-11T00:00']],
  ['0 0 1-31 * 1', ['2026-05-06T00:00', '2026-05-07T00:00', '2026-05-08T00:00']],
  ['0 12 13 * 5', ['2026-05-08T12:00', '2026-05-13T12:00', '2026-05-15T12:00']],
  ['0 0 29 feb *', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
  ['0 9-17/4 * jun-JUL *', ['2026-06-01T09:00', '2026-06-01T13:00', '2026-06-01T17:00']],
  ['CRON_TZ=Asia/Kolkata 0 2 * * *', ['2026-05-05T20:30', '2026-05-06T20:30', '2026-05-07T20:30']],
  ['TZ=America/New_York @daily', ['2026-05-06T04:00', '2026-05-07T04:00', '2026-05-08T04:00']],
  ['@hourly', ['2026-05-05T11:00', '2026-05-05T12:00', '2026-05-05T13:00']],
  ['@weekly', ['2026-05-10T00:00', '2026-05-17T00:00', '2026-05-24T00:00']],
  ['@yearly', ['2027-01-01T00:00', '2028-01-01T00:00', '2029-01-01T00:00']],
])('The expression %s is due as in Go', (expression, expected) => {
  expect(times(cronSchedule(expression), '2026-05-05T10:11:12.500Z')).toEqual(expected);
});

test('A time at which a job is due is not after itself', () => {
  expect(times(cronSchedule('0 * * * *'), '2026-05-05T10:00:00Z', 1)).toEqual(['2026-05-05T11:00']);
  expect(times(everyMs(3_600_000), '2026-05-05T10:00:00Z', 1)).toEqual(['2026-05-05T11:00']);
});

test('Periods are counted from 1970, whoever asks', () => {
  expect(times(everyMs(21_600_000), '2026-05-05T10:11:12.5Z', 2)).toEqual([
    '2026-05-05T12:00',
    '2026-05-05T18:00',
  ]);
  for (const every of ['@every 1h30m', '@every 1.5h', '@every 5400s', 'TZ=Asia/Kolkata @every 90m'])
    expect(times(cronSchedule(every), '2026-05-05T10:00:00Z', 1)).toEqual(['2026-05-05T10:30']);
  const second = cronSchedule('@every 300ms').nextAfter(new Date('2026-05-05T10:11:12.5Z'));
  expect(second).toEqual(new Date('2026-05-05T10:11:13Z'));
});

describe('When clocks are set forward', () => {
  const before = '2026-03-28T12:00:00Z';

  test('a time of the day that does not exist is due right after the gap', () => {
    expect(times(cronSchedule('CRON_TZ=Europe/Berlin 30 2 * * *'), before, 2)).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ]);
  });

  test('several times a day leave out those that do not exist', () => {
    const schedule = cronSchedule('CRON_TZ=Europe/Berlin 30 1,2,3 * * *');
    expect(times(schedule, before, 3)).toEqual([
      '2026-03-29T00:30',
      '2026-03-29T01:30',
      '2026-03-29T23:30',
    ]);
  });
});

describe('When clocks are set back', () => {
  const before = '2026-10-24T12:00:00Z';

  test('a time of the day that comes twice is due once', () => {
    expect(times(cronSchedule('CRON_TZ=Europe/Berlin 30 2 * * *'), before, 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
  });

  test('several times a day are due both times', () => {
    expect(times(cronSchedule('CRON_TZ=Europe/Berlin 30 1,2 * * *'), before, 3)).toEqual([
      '2026-10-24T23:30',
      '2026-10-25T00:30',
      '2026-10-25T01:30',
    ]);
  });
});

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 7',
  '5-1 * * * *',
  '*/0 * * * *',
  '1,,2 * * * *',
  '0 0 L * *',
  '0 0 * * MON#1',
  '0 0 30 2 *',
  '@reboot',
  '@Daily',
  'constructor',
  '@every',
  '@every 5',
  '@every 5 m',
  'CRON_TZ=Nowhere/Land 0 0 * * *',
  'CRON_TZ=UTC',
])('%j is refused', (expression) => {
  expect(() => cronSchedule(expression)).toThrow(RiverConfigurationError);
});

test.each([0, 999, 1500.5, -60_000, Number.NaN, Infinity, 400 * 24 * 3_600_000])(
  'A period of %d ms is refused',
  (ms) => {
    expect(() => everyMs(ms)).toThrow(RiverConfigurationError);
  },
);
