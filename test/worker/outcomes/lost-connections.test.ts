import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeBatcher } from '../../../lib/worker/outcomes/outcome-batcher.js';
import { StoredOutcomes } from '../../../lib/worker/outcomes/stored-outcomes.js';
import type { SetState, StoredOutcome } from '../../../lib/worker/outcome/set-state.js';
import { plantJobs, type PlantedJob } from '../../administration/planted-jobs.js';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../../support/index.js';
import { KillingProxy } from '../../transaction/killing-proxy.js';
import { openWorker, type OpenedWorker } from '../worker-core.js';

const CLAIMED = new Date('2026-12-01T00:00:00Z');
const ENDED = new Date('2026-12-01T00:00:00.123Z');
const LATER = new Date('2026-12-01T01:00:00.123Z');
/** Statements that store plain successes, and others. */
const PLAIN = /SET state = 'completed'/;
const ANY = /given\.new_attempt/;

let database: TestDatabase;
let proxy: KillingProxy;
let worker: OpenedWorker;

beforeAll(async () => {
  for (const level of ['error', 'log'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
  database = await createTestDatabase();
  proxy = await KillingProxy.open(database);
  worker = await openWorker(proxy.database);
});
afterEach(() => queryAll(database, 'truncate river_job'));
afterAll(async () => {
  await worker.close();
  await proxy.close();
});

const OUTCOMES: Record<string, Partial<SetState>> = {
  'a success': { state: 'completed', finalizedAt: ENDED },
  'a success with an output': { state: 'completed', finalizedAt: ENDED, metadata: '{"output":1}' },
  'a failure': { state: 'retryable', scheduledAt: LATER, error: '{"error":"x"}' },
  'a snooze': { state: 'scheduled', scheduledAt: LATER, newAttempt: 0 },
  'an interruption': { state: 'available', scheduledAt: ENDED, newAttempt: 0 },
  'a discarded job': { state: 'discarded', finalizedAt: ENDED, error: '{"error":"x"}' },
};

async function claimed(...rows: readonly PlantedJob[]): Promise<string[]> {
  const claim = { state: 'running', attempt: 1, attempted_by: [worker.core.clientId] } as const;
  return await plantJobs(
    database,
    rows.map((row) => ({ ...claim, attempted_at: CLAIMED.toISOString(), ...row })),
  );
}

function outcome(id: string, change: Partial<SetState>): SetState {
  return {
    id,
    attempt: 1,
    claimedAt: String(CLAIMED.getTime() / 1_000),
    state: 'completed',
    newAttempt: undefined,
    scheduledAt: undefined,
    finalizedAt: undefined,
    error: undefined,
    metadata: undefined,
    ...change,
  };
}

/** Stores outcomes in one batch. Returns what each was settled with, in the order of the outcomes. */
async function store(outcomes: readonly SetState[]): Promise<StoredOutcome[][]> {
  const batcher = new OutcomeBatcher(worker.core);
  const settled = outcomes.map((): StoredOutcome[] => []);
  for (const [place, setState] of outcomes.entries()) {
    batcher.add(setState, {
      instead: () => setState,
      settled: (stored) => settled[place]?.push(stored),
    });
  }
  await batcher.close(20_000);
  return settled;
}

test.each(
  Object.keys(OUTCOMES).flatMap((name) => [
    [name, 'before'] as const,
    [name, 'at the answer of'] as const,
  ]),
)(
  '%s is stored once, and reported as stored, when the connection is lost %s its statement',
  async (name, moment) => {
    const [id = ''] = await claimed({});
    const given = outcome(id, OUTCOMES[name] ?? {});
    const { kills } = proxy;
    proxy.killAt(moment, name === 'a success' ? PLAIN : ANY);
    expect(await store([given])).toEqual([[{ stored: true, state: given.state }]]);
    expect(proxy.kills).toBe(kills + 1);
    const rows = await queryAll(
      database,
      'select state::text, attempt, coalesce(cardinality(errors), 0) as errors from river_job',
    );
    expect(rows).toEqual([
      {
        state: given.state,
        attempt: given.newAttempt ?? 1,
        errors: given.error === undefined ? 0 : 1,
      },
    ]);
  },
);

test('a job that was cancelled while it ran is reported as cancelled when the response is lost', async () => {
  const [id = ''] = await claimed({ metadata: { cancel_attempted_at: '2026-12-01T00:00:00Z' } });
  proxy.killAt('at the answer of', ANY);
  const given = outcome(id, OUTCOMES['a snooze'] ?? {});
  expect(await store([given])).toEqual([[{ stored: true, state: 'cancelled' }]]);
});

test.each(['before', 'at the answer of'] as const)(
  'what is stored already is reported once when the connection is lost %s the next statement',
  async (moment) => {
    const ids = await claimed({}, {}, {});
    const [success = {}, , failure = {}] = Object.values(OUTCOMES);
    proxy.killAt(moment, ANY);
    const settled = await store(
      ids.map((id, place) => outcome(id, place === 1 ? failure : success)),
    );
    expect(settled).toEqual([
      [{ stored: true, state: 'completed' }],
      [{ stored: true, state: 'retryable' }],
      [{ stored: true, state: 'completed' }],
    ]);
  },
);

test('looks whether an outcome is stored wait for the transaction that stores it', async () => {
  const [id = ''] = await claimed({});
  const given = outcome(id, OUTCOMES['a success'] ?? {});
  const stored = new StoredOutcomes(worker.schema, worker.core.clientId);
  const other = await connect(database);
  await other.query('begin');
  await other.query(`update river_job set state = 'completed', finalized_at = $2 where id = $1`, [
    id,
    ENDED.toISOString(),
  ]);
  const look = stored.alreadyStored(worker.core.connection, [given]);
  let isOver = false;
  void look.finally(() => (isOver = true));
  const waits = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  while (!isOver && (await other.query(waits)).rowCount === 0);
  await other.query('commit');
  await other.end();
  expect([...(await look)]).toEqual([[id, 'completed']]);
});
