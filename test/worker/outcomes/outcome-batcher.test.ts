import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DatabaseError } from '../../../lib/errors/database-errors.js';
import { OutcomeBatcher } from '../../../lib/worker/outcomes/outcome-batcher.js';
import type { SetState, StoredOutcome } from '../../../lib/worker/outcome/set-state.js';
import { plantJobs, type PlantedJob } from '../../administration/planted-jobs.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

const ENDED = new Date('2026-12-01T00:00:00Z');

let database: TestDatabase;
let worker: OpenedWorker;
let batcher: OutcomeBatcher;

beforeAll(async () => {
  database = await createTestDatabase();
  worker = await openWorker(database);
  batcher = new OutcomeBatcher(worker.core);
});
afterEach(async () => {
  await queryAll(database, 'truncate river_job');
});
afterAll(() => worker.close());

/** Rows as they are after a claim by this worker. */
async function claimed(...rows: readonly PlantedJob[]): Promise<string[]> {
  return await plantJobs(
    database,
    rows.map((row) => ({
      state: 'running',
      attempt: 1,
      attempted_at: '2026-12-01T00:00:00Z',
      attempted_by: [worker.core.clientId],
      ...row,
    })),
  );
}

function completed(id: string, change: Partial<SetState> = {}): SetState {
  return {
    id,
    attempt: 1,
    claimedAt: String(ENDED.getTime() / 1_000),
    state: 'completed',
    newAttempt: undefined,
    scheduledAt: undefined,
    finalizedAt: ENDED,
    error: undefined,
    metadata: undefined,
    ...change,
  };
}

function failed(id: string): SetState {
  const error = JSON.stringify({ at: ENDED, attempt: 1, error: 'refused', trace: '' });
  return completed(id, { state: 'discarded', error });
}

function add(setState: SetState): Promise<StoredOutcome> {
  return new Promise((settled) =>
    batcher.add(setState, { instead: () => failed(setState.id), settled }),
  );
}

async function stateOf(id: string): Promise<unknown> {
  const [row] = await queryAll<{ state: string }>(
    database,
    `select state from river_job where id = ${id}`,
  );
  return row?.state;
}

test('stores outcomes of all sorts that are reported in one turn', async () => {
  const ids = await claimed({}, {}, {});
  const outcomes = await Promise.all([
    add(completed(ids[0] ?? '')),
    add(completed(ids[1] ?? '', { metadata: '{"output":1}' })),
    add(failed(ids[2] ?? '')),
  ]);
  expect(outcomes).toEqual([
    { stored: true, state: 'completed' },
    { stored: true, state: 'completed' },
    { stored: true, state: 'discarded' },
  ]);
});

test.each([
  ['metadata that jsonb does not take', { metadata: '{"a":"\\u0000"}' }],
  ['an error that is not JSON', { state: 'discarded', error: '{' }],
] as const)('%s of one job keeps no other outcome from being stored', async (_, change) => {
  const ids = await claimed(...Array.from({ length: 20 }, () => ({})));
  const outcomes = await Promise.all(
    ids.map((id, place) => add(completed(id, place === 7 ? change : { metadata: '{"ok":1}' }))),
  );
  expect(outcomes.map(({ stored }) => stored)).toEqual(ids.map(() => true));
  expect(outcomes.map((outcome) => outcome.stored && outcome.state)).toEqual(
    ids.map((_id, place) => (place === 7 ? 'discarded' : 'completed')),
  );
  expect(await stateOf(ids[7] ?? '')).toBe('discarded');
});

test.each(['P0001', '45000', '44000'])(
  'a job whose outcome is refused in every form by %s stays running, and the others are stored',
  async (sqlState) => {
    await queryAll(
      database,
      `create function refuse() returns trigger language plpgsql as $$
     begin if old.kind = 'refused' then raise exception using errcode = '${sqlState}'; end if; return new; end $$;
     create trigger refuse before update on river_job for each row execute function refuse()`,
    );
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    try {
      const [refused = '', other = ''] = await claimed({ kind: 'refused' }, {});
      const outcomes = await Promise.all([add(completed(refused)), add(completed(other))]);
      expect(outcomes).toEqual([{ stored: false }, { stored: true, state: 'completed' }]);
      expect(await stateOf(refused)).toBe('running');
      expect(log.mock.calls.flat().join()).toContain(`job ${refused} cannot be stored`);
    } finally {
      log.mockRestore();
      await queryAll(database, 'drop trigger refuse on river_job; drop function refuse()');
    }
  },
);

test.each([
  ['of another attempt', { attempt: 2 }],
  ['that the same client has claimed anew', { attempted_at: '2026-12-01T00:00:00.000001Z' }],
  ['of another client', { attempted_by: ['test', 'other'] }],
  ['that has ended', { state: 'completed', finalized_at: '2026-12-01T00:00:00Z' }],
] as const)('the outcome of a row %s is not stored', async (_, row) => {
  const [id = ''] = await claimed(row);
  const before = await queryAll(database, 'select * from river_job');
  expect(await add(completed(id, { metadata: '{"output":1}' }))).toEqual({ stored: false });
  expect(await add(failed(id))).toEqual({ stored: false });
  expect(await queryAll(database, 'select * from river_job')).toEqual(before);
});

test('a job that was cancelled while it ran is not worked again', async () => {
  const [id = ''] = await claimed({ metadata: { cancel_attempted_at: '2026-12-01T00:00:00Z' } });
  const again = completed(id, { state: 'retryable', scheduledAt: ENDED, finalizedAt: undefined });
  expect(await add(again)).toEqual({ stored: true, state: 'cancelled' });
});

test('outcomes are stored once the connections are back, and the outage is logged once', async () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
  try {
    const ids = await claimed({}, {});
    await queryAll(database, `alter table river_job rename to away`);
    const outcomes = Promise.all(ids.map((id) => add(completed(id))));
    while (error.mock.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await queryAll(database, `alter table away rename to river_job`);
    expect((await outcomes).map(({ stored }) => stored)).toEqual([true, true]);
    expect(error).toHaveBeenCalledTimes(1);
    expect(log).toHaveBeenCalledTimes(1);
  } finally {
    error.mockRestore();
    log.mockRestore();
  }
});

test('each outcome is settled once, also where another part of its batch is sent again', async () => {
  const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
  try {
    const [plain = '', other = ''] = await claimed({}, {});
    const { connection } = worker.core;
    let sends = 0;
    const failing = new Proxy(connection, {
      get: (target, name) =>
        name !== 'run'
          ? (Reflect.get(target, name) as unknown)
          : (...args: Parameters<typeof connection.run>) =>
              ++sends === 2
                ? Promise.reject(new DatabaseError('setState', { code: '40001' }))
                : target.run(...args),
    });
    const own = new OutcomeBatcher({ ...worker.core, connection: failing });
    const settled: string[] = [];
    const add = (setState: SetState): Promise<void> =>
      new Promise((resolve) =>
        own.add(setState, {
          instead: () => failed(setState.id),
          settled: ({ stored }) => {
            settled.push(`${setState.id} ${stored}`);
            resolve();
          },
        }),
      );
    await Promise.all([add(completed(plain)), add(completed(other, { metadata: '{"a":1}' }))]);
    expect(settled).toEqual([`${plain} true`, `${other} true`]);
    expect(sends).toBe(3);
  } finally {
    log.mockRestore();
  }
});

test('close() gives up what cannot be stored in its time', async () => {
  const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  try {
    const own = new OutcomeBatcher(worker.core);
    const [id = ''] = await claimed({});
    await queryAll(database, `alter table river_job rename to away`);
    const stored = new Promise<StoredOutcome>((settled) =>
      own.add(completed(id), { instead: () => failed(id), settled }),
    );
    await own.close(50);
    expect(await stored).toEqual({ stored: false });
    const late = new Promise<StoredOutcome>((settled) =>
      own.add(completed(id), { instead: () => failed(id), settled }),
    );
    expect(await late).toEqual({ stored: false });
  } finally {
    await queryAll(database, `alter table away rename to river_job`);
    error.mockRestore();
  }
});
