import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobArgs } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
let now = new Date(0);
beforeAll(async () => {
  client = await startClient({ river: { clock: () => now } });
});
afterAll(() => client.stop());

/** The stored time in milliseconds since 1970; a Date made by the driver could hide a mistake. */
async function storedTime(id: string, column = 'scheduled_at'): Promise<number> {
  const [row] = await queryAll(
    client.database,
    `select (extract(epoch from ${column}) * 1000)::text as ms from river_job where id = $1`,
    [id],
  );
  return Number(row?.['ms']);
}

describe('scheduledAt', () => {
  test.each([
    ['the first day that Postgres holds', new Date(Date.UTC(-4713, 10, 24))],
    ['long before the year 1', new Date('-000044-03-15T12:00:00.250Z')],
    ['the year 1 BC', new Date('0000-06-01T00:00:00.000Z')],
    ['the year 1', new Date('0001-01-01T00:00:00.000Z')],
    ['a year of two digits', new Date('0099-12-31T23:59:59.999Z')],
    ['before 1970', new Date('1969-12-31T23:59:59.999Z')],
    ['a leap day', new Date('2028-02-29T23:59:59.999Z')],
    ['the year 10000', new Date('+010000-01-01T00:00:00.001Z')],
    ['the last moment of a Date', new Date(8.64e15)],
  ])('keeps %s, and so does the row of a duplicate', async (what, scheduledAt) => {
    const insert = () =>
      client.river.insert(jobArgs('at', { what }), { scheduledAt, uniqueOpts: { byArgs: true } });
    const { job } = await insert();
    expect(job.scheduledAt).toEqual(scheduledAt);
    expect(await storedTime(job.id)).toBe(scheduledAt.getTime());
    const again = await insert();
    expect(again.uniqueSkippedAsDuplicated).toBe(true);
    expect(again.job.scheduledAt).toEqual(scheduledAt);
  });

  test('is copied: a later change of the Date changes nothing', async () => {
    const scheduledAt = new Date('2030-01-01T00:00:00Z');
    const inserted = client.river.insert(jobArgs('at', {}), { scheduledAt });
    scheduledAt.setTime(0);
    const { job } = await inserted;
    expect(job.scheduledAt).toEqual(new Date('2030-01-01T00:00:00Z'));
    expect(await storedTime(job.id)).toBe(Date.parse('2030-01-01T00:00:00Z'));
  });
});

describe('the clock', () => {
  test('is the one of the module, read once for each call', async () => {
    now = new Date('2031-05-05T05:05:05.005Z');
    const [first, second] = await client.river.insertMany([jobArgs('one', {}), jobArgs('two', {})]);
    for (const { job } of [first, second]) {
      expect(job.createdAt).toEqual(now);
      expect(job.scheduledAt).toEqual(now);
      expect(await storedTime(job.id, 'created_at')).toBe(now.getTime());
    }
  });

  test('is what delay counts from', async () => {
    now = new Date('2031-05-05T05:05:05.005Z');
    const { job } = await client.river.insert(jobArgs('delayed', {}), { delay: 90_061_001 });
    expect(await storedTime(job.id)).toBe(Date.parse('2031-05-06T06:06:06.006Z'));
  });

  test('decides the period of a unique job', async () => {
    const insert = () =>
      client.river.insert(jobArgs('periodic', {}), { uniqueOpts: { byPeriod: 900 } });
    now = new Date('2026-11-21T10:00:00.000Z');
    const first = await insert();
    now = new Date('2026-11-21T10:14:59.999Z');
    expect(await insert()).toMatchObject({
      uniqueSkippedAsDuplicated: true,
      job: { id: first.job.id },
    });
    now = new Date('2026-11-21T10:15:00.000Z');
    expect(await insert()).toMatchObject({ uniqueSkippedAsDuplicated: false });
  });
});
