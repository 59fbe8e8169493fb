import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { jobArgs } from 'nestjs-river';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { asStored, startClient, storedJobs, type StartedClient } from './started-client.js';

const NOW = new Date('2026-11-21T10:07:33.123Z');
const SCHEDULED = new Date('2026-03-29T01:30:00.456Z');
const JOB = jobArgs('settings', { big: 12345678901234567890n, text: 'it\'s \\ "quoted"', n: 0.1 });
const OPTS = {
  metadata: { 'a\\b': 'c' },
  priority: 2,
  scheduledAt: SCHEDULED,
  tags: ['tag', 'other_tag'],
  uniqueOpts: { byArgs: true },
} as const;

/** Has a worker's traces, so that all columns that are read have a value. */
const WORKED = `
  update river_job set attempt = 2, attempted_at = '2026-03-29T02:00:00.789Z',
    attempted_by = '{client_1,"client, 2"}',
    errors = array['{"at": "2026-03-29T02:00:01.5Z", "attempt": 1, "error": "e", "trace": "t"}'::jsonb]`;

const SESSIONS = {
  "the server's": '',
  'a zone with half hours': '-c TimeZone=Asia/Kolkata',
  'a zone west of Greenwich, day first': '-c TimeZone=America/St_Johns -c DateStyle=SQL,DMY',
  'German dates': '-c TimeZone=Europe/Berlin -c DateStyle=German,YMD',
  'old bytea': '-c bytea_output=escape -c IntervalStyle=sql_standard',
  'few digits': '-c extra_float_digits=-5 -c IntervalStyle=postgres_verbose',
  'old strings':
    '-c standard_conforming_strings=off -c backslash_quote=off -c escape_string_warning=off',
  'null arrays': '-c array_nulls=off -c quote_all_identifiers=on -c xmloption=document',
};

describe.each(Object.entries(SESSIONS))('with the session settings: %s', (_what, options) => {
  let database: TestDatabase;
  let client: StartedClient;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = await startClient({
      database,
      dataSource: { extra: { options } },
      river: { clock: () => NOW },
    });
  });
  afterAll(() => client.stop());

  test('the row, the answer and the row of a duplicate are the same', async () => {
    await expectSameRows(client);
  });
});

describe('with type parsers of the application for every type', () => {
  const saved = new Map<number, (value: string) => unknown>();
  let client: StartedClient;
  beforeAll(async () => {
    client = await startClient({ river: { clock: () => NOW } });
    for (const oid of Object.values(pg.types.builtins)) {
      saved.set(oid, pg.types.getTypeParser(oid, 'text') as (value: string) => unknown);
      pg.types.setTypeParser(oid, () => ({ parsed: 'by the application' }));
    }
  });
  afterAll(() => client.stop());

  test('the row, the answer and the row of a duplicate are the same', async () => {
    await expectSameRows(client, () => {
      for (const [oid, parser] of saved) pg.types.setTypeParser(oid, parser);
    });
  });
});

async function expectSameRows(client: StartedClient, before?: () => void): Promise<void> {
  const { job } = await client.river.insert(JOB, OPTS);
  const duplicate = await client.river.insert(JOB, OPTS);
  await queryAll(client.database, WORKED);
  const { job: worked } = await client.river.insert(JOB, OPTS);
  before?.();

  const expected = {
    args: { ...JOB.toJSON(), big: '12345678901234567890' },
    createdAt: NOW,
    scheduledAt: SCHEDULED,
    metadata: { 'a\\b': 'c' },
    tags: ['tag', 'other_tag'],
    state: 'scheduled',
    priority: 2,
    maxAttempts: 25,
  };
  expect(job).toMatchObject(expected);
  expect(duplicate.uniqueSkippedAsDuplicated).toBe(true);
  expect({ ...duplicate.job, encodedArgs: job.encodedArgs }).toEqual({ ...job });
  expect(worked).toMatchObject({
    ...expected,
    attempt: 2,
    attemptedAt: new Date('2026-03-29T02:00:00.789Z'),
    attemptedBy: ['client_1', 'client, 2'],
    errors: [{ at: new Date('2026-03-29T02:00:01.5Z'), attempt: 1, error: 'e', trace: 't' }],
  });
  const [row] = await storedJobs(client.database);
  const [text] = await queryAll(client.database, 'select args::text from river_job');
  expect(text?.['args']).toContain('12345678901234567890');
  expect({ ...asStored(job), args: row?.['args'] }).toEqual({
    ...row,
    attempt: 0,
    attempted_at: null,
    attempted_by: null,
    errors: null,
  });
}
