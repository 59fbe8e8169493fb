import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ClaimStatements, type ClaimShare } from '../../../lib/postgres/worker/claim-statement.js';
import { ClaimedRow } from '../../../lib/postgres/worker/claimed-row.js';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { plantJob, plantJobs } from '../../administration/planted-jobs.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

let database: TestDatabase;
let worker: OpenedWorker;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await queryAll(database, 'truncate river_job');
  worker = await openWorker(database);
});
afterEach(() => worker.close());

const share = (most: number, kinds?: string[], without?: string[]): ClaimShare => ({
  kinds,
  without,
  most,
});

async function claim(most: number, shares = [share(most)]): Promise<ClaimedRow[]> {
  const statements = new ClaimStatements(worker.schema);
  const given = { queue: 'default', clientId: 'me', most, shares };
  const rows = await statements.run(worker.core.connection, given);
  return rows.map((row) => new ClaimedRow(row, { queue: 'default', clientId: 'me' }));
}

const idsOf = (rows: readonly ClaimedRow[]): string[] => rows.map(({ id }) => id).sort();

/** Once by a statement for all kinds, and once by the one for kinds with limits. */
const FORMS = [
  { form: 'all kinds', shares: (most: number) => [share(most)] },
  {
    form: 'some kinds apart',
    shares: (most: number) => [share(most, undefined, ['apart']), share(1, ['apart'])],
  },
];

test.each(FORMS)('claims $form by priority, time and id', async ({ shares }) => {
  const [late, urgent, early, same] = await plantJobs(database, [
    { priority: 2, scheduled_at: '2020-01-02T00:00:00Z' },
    { priority: 1, scheduled_at: '2020-01-05T00:00:00Z' },
    { priority: 2, scheduled_at: '2020-01-01T00:00:00Z' },
    { priority: 2, scheduled_at: '2020-01-02T00:00:00Z' },
  ]);
  for (const id of [urgent, early, late, same])
    expect(idsOf(await claim(1, shares(1)))).toEqual([id]);
});

test.each(FORMS)(
  'claims $form only where they are available, due, free and of the queue',
  async ({ shares }) => {
    const [free, held] = await plantJobs(database, [
      {},
      {},
      { queue: 'other' },
      { scheduled_at: '2999-01-01T00:00:00Z' },
      { state: 'scheduled' },
      { state: 'retryable' },
      { state: 'pending' },
      { state: 'running', attempted_at: '2020-01-01T00:00:00Z', attempted_by: ['c'] },
      { state: 'completed' },
    ]);
    const client = await connect(database);
    await client.query('begin');
    await client.query('select from river_job where id = $1 for update', [held]);
    const claimed = await claim(10, shares(10));
    await client.end();
    expect(idsOf(claimed)).toEqual([free]);
  },
);

test('claims the kinds that are wanted', async () => {
  const [a, b, c] = await plantJobs(database, [{ kind: 'a' }, { kind: 'b' }, { kind: 'c' }]);
  expect(idsOf(await claim(10, [share(10, ['a'])]))).toEqual([a]);
  expect(idsOf(await claim(10, [share(10, undefined, ['c'])]))).toEqual([b]);
  expect(idsOf(await claim(10, [share(10, ['x']), share(1, ['c', 'd'])]))).toEqual([c]);
});

test.each([
  { before: null, after: ['me'] },
  { before: [], after: ['me'] },
  { before: clients(99), after: [...clients(99), 'me'] },
  { before: clients(100), after: [...clients(100).slice(1), 'me'] },
  { before: clients(130), after: [...clients(130).slice(31), 'me'] },
])('remembers at most 100 clients ($before.length before)', async ({ before, after }) => {
  await plantJob(database, { attempt: 3, attempted_by: before });
  const [job] = await claim(1);
  expect(job).toMatchObject({ attempt: 4, attemptedBy: after });
  const [row] = await queryAll(
    database,
    'select attempted_by, attempt, state::text, abs(extract(epoch from now() - attempted_at)) < 60 as now from river_job',
  );
  expect(row).toEqual({ attempted_by: after, attempt: 4, state: 'running', now: true });
});

test('decodes every column as the client does', async () => {
  const planted = {
    args: { id: '12345678901234567890' },
    attempt: 2,
    created_at: '2020-01-01T00:00:00.123456Z',
    errors: [{ at: '2020-01-01T00:00:00Z', attempt: 1, error: 'x', trace: '' }],
    metadata: { a: [1] },
    priority: 3,
    scheduled_at: '1969-12-31T23:59:59.9996Z',
    tags: ['a b', '"'],
    unique_key: '\\x0aff',
    unique_states: '11110101',
  };
  const id = await plantJob(database, planted);
  const [job] = await claim(1);
  expect(job?.toJSON()).toEqual({
    id,
    args: { id: '12345678901234567890' },
    encodedArgs: '{"id": "12345678901234567890"}',
    attempt: 3,
    attemptedAt: expect.any(Date),
    attemptedBy: ['me'],
    createdAt: new Date('2020-01-01T00:00:00.123Z'),
    errors: [{ at: new Date('2020-01-01T00:00:00Z'), attempt: 1, error: 'x', trace: '' }],
    finalizedAt: null,
    kind: 'planted',
    maxAttempts: 25,
    metadata: { a: [1] },
    priority: 3,
    queue: 'default',
    scheduledAt: new Date('1969-12-31T23:59:59.999Z'),
    state: 'running',
    tags: ['a b', '"'],
    uniqueKey: '0aff',
    uniqueStates: expect.any(Array),
  });
});

function clients(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `client ${index}`);
}
