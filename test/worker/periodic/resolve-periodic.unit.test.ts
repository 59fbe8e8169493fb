import { expect, test } from '@jest/globals';
import { RiverConfigurationError } from 'nestjs-river';
import type { PeriodicFact } from '../../../lib/worker/handlers/worker-metadata.js';
import { resolvePeriodic } from '../../../lib/worker/periodic/resolve-periodic.js';

const call = (): Promise<null> => Promise.resolve(null);
const method = (fact: object, name = 'Accounts.close') => ({
  name,
  fact: fact as PeriodicFact,
  call,
});

test('A method with @Periodic is a periodic job', () => {
  const [job] = resolvePeriodic([method({ id: 'month-end', cron: '0 2 1 * *' })]);

  expect(job).toMatchObject({ id: 'month-end', runOnStart: false, make: call });
  expect(job?.schedule.nextAfter(new Date('2026-05-05'))).toEqual(new Date('2026-06-01T02:00Z'));
});

test.each([
  [{}, 'id: must be given'],
  [{ id: 'x', everyMs: 1_000 }, 'id: must be 2 to 127'],
  [{ id: 'a b', everyMs: 1_000 }, 'id: must be 2 to 127'],
  [{ id: 'a'.repeat(128), everyMs: 1_000 }, 'id: must be 2 to 127'],
  [{ id: 'job' }, 'give either `cron` or `everyMs`'],
  [{ id: 'job', everyMs: 1_000, cron: '@daily' }, 'give either `cron` or `everyMs`'],
  [{ id: 'job', everyMs: 10 }, 'everyMs: must be whole milliseconds from 1000'],
  [{ id: 'job', cron: '61 * * * *' }, "cron: '61' is not a value from 0 to 59"],
  [{ id: 'job', cron: '* * * *' }, 'cron: must have 5 fields; got 4'],
  [{ id: 'job', cron: 7 }, 'cron: must be a cron expression; got the number 7'],
  [{ id: 'job', cron: '@daily', runOnStart: 'yes' }, 'runOnStart: must be true or false'],
  [{ id: 'job', crom: '@daily' }, 'crom: there is no such option'],
])('@Periodic(%j) is refused, naming the method: %s', (fact, message) => {
  const resolve = () => resolvePeriodic([method(fact)]);

  expect(resolve).toThrow(RiverConfigurationError);
  expect(resolve).toThrow(`@Periodic on Accounts.close: `);
  expect(resolve).toThrow(message);
});

test('Two methods with one id are refused, naming both', () => {
  const both = [
    method({ id: 'job', cron: '@daily' }, 'First.one'),
    method({ id: 'job', cron: '@hourly' }, 'Second.two'),
  ];

  expect(() => resolvePeriodic(both)).toThrow(
    '@Periodic on Second.two: id: is that of First.one, too',
  );
});
