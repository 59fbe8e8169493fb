import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import {
  JOB_STATES,
  JobNotFoundError,
  JobRunningError,
  type JobRow,
  type RiverClient,
} from 'nestjs-river';
import { plantJob, plantJobs, type PlantedJob } from '../administration/planted-jobs.js';
import { connect } from '../support/index.js';
import { comparableGo, comparableOurs, comparableStored, type GoRow } from './support/agreement.js';
import { ProgramError } from './support/line-program.js';
import { describeWithGo } from './support/toolchain.js';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';

const FUTURE = '2090-01-01T00:00:00.000005Z';
const CANCELLED_BEFORE = { kept: { a: [1, null] }, cancel_attempted_at: '2020-01-01T00:00:01Z' };

/** Rows as workers leave them; each with every state. */
const ROWS: Record<string, PlantedJob> = {
  'of a job that was never tried': {},
  'with attempts left': {
    args: { b: '<é>', a: 1.5 },
    attempt: 2,
    attempted_at: '2020-01-01T00:00:01.123456Z',
    attempted_by: ['client-1', 'client-2'],
    errors: [{ at: '2020-01-01T00:00:02Z', attempt: 1, error: 'no', trace: '' }],
    metadata: CANCELLED_BEFORE,
    priority: 3,
    queue: 'slow',
    tags: ['one', 'two'],
  },
  'with no attempt left': { attempt: 3, max_attempts: 3, metadata: { output: { old: true } } },
  'of a job for later': { scheduled_at: FUTURE },
};

interface Action {
  /** Of the Go program. */
  readonly go: { readonly action: string; readonly output?: string };
  readonly ours: (river: RiverClient, id: string) => Promise<JobRow>;
  readonly oursTx: (river: RiverClient, tx: pg.Client, id: string) => Promise<JobRow>;
}

const update = (output: string): Action => {
  const params = output === '' ? {} : { output: JSON.parse(output) as unknown };
  return {
    go: { action: 'update', output },
    ours: (river, id) => river.jobUpdate(id, params),
    oursTx: (river, tx, id) => river.jobUpdateTx(tx, id, params),
  };
};

const ACTIONS: Record<string, Action> = {
  jobGet: {
    go: { action: 'get' },
    ours: (river, id) => river.jobGet(id),
    oursTx: (river, tx, id) => river.jobGetTx(tx, id),
  },
  jobCancel: {
    go: { action: 'cancel' },
    ours: (river, id) => river.jobCancel(id),
    oursTx: (river, tx, id) => river.jobCancelTx(tx, id),
  },
  jobRetry: {
    go: { action: 'retry' },
    ours: (river, id) => river.jobRetry(id),
    oursTx: (river, tx, id) => river.jobRetryTx(tx, id),
  },
  jobDelete: {
    go: { action: 'delete' },
    ours: (river, id) => river.jobDelete(id),
    oursTx: (river, tx, id) => river.jobDeleteTx(tx, id),
  },
  'jobUpdate without output': update(''),
  'jobUpdate with an object': update('{"b":{"<":1},"a":[1.5,null,"é"]}'),
  'jobUpdate with a text': update('"done"'),
  'jobUpdate with null': update('null'),
};

/** The row that a call answers, or the error, as our name for it. */
async function ours(call: Promise<JobRow>): Promise<unknown> {
  return call.then(comparableOurs, (error: unknown) => {
    if (error instanceof JobNotFoundError || error instanceof JobRunningError) return error.name;
    throw error;
  });
}

const NAMES: Record<string, string> = {
  'not found': 'JobNotFoundError',
  'running jobs cannot be deleted': 'JobRunningError',
};

async function gos(call: Promise<{ readonly job: GoRow }>): Promise<unknown> {
  return call.then(
    ({ job }) => comparableGo(job),
    (error: unknown) => {
      const name = error instanceof ProgramError ? NAMES[error.message] : undefined;
      if (name === undefined) throw error;
      return name;
    },
  );
}

describeWithGo('a job of every state', () => {
  let sides: TwoSides;
  let client: pg.Client;
  useTwoSides((opened) => (sides = opened));
  beforeAll(async () => {
    client = await connect(sides.database);
  });
  afterAll(() => client.end());

  describe.each(SCHEMAS)('in %s', (schema) => {
    const askGo = (action: Action['go'], jobId: string, tx?: string): Promise<{ job: GoRow }> =>
      sides.go.ask('job', { schema, ...action, jobId: String(jobId), tx });

    const stored = async (id: string): Promise<object | 'deleted'> =>
      sides.rows.row(schema, id).then(comparableStored, () => 'deleted');

    describe.each(Object.entries(ACTIONS))('%s', (_name, action) => {
      describe.each(Object.entries(ROWS))('on a row %s', (_row, row) => {
        test.each(JOB_STATES)('%s: answers and leaves what Go does', async (state) => {
          const database = { ...sides.database, schema };
          const [our, go] = (await plantJobs(database, [
            { ...row, state },
            { ...row, state },
          ])) as [string, string];
          expect(await ours(action.ours(sides.river(schema), our))).toEqual(
            await gos(askGo(action.go, go)),
          );
          expect(await stored(our)).toEqual(await stored(go));
        });
      });

      test.each(JOB_STATES)('in a transaction, on %s', async (state) => {
        const database = { ...sides.database, schema };
        const row = { ...ROWS['with attempts left'], state };
        const [our, go] = (await plantJobs(database, [row, row])) as [string, string];
        const before = await stored(our);
        await client.query('begin');
        await sides.go.begin('tx');
        const answer = await ours(action.oursTx(sides.river(schema), client, our));
        expect(answer).toEqual(await gos(askGo(action.go, go, 'tx')));
        expect(await stored(our)).toEqual(before);
        await client.query('commit');
        await sides.go.end('tx', { commit: true });
        expect(await stored(our)).toEqual(await stored(go));
      });

      test('undone by a rollback', async () => {
        const id = await plantJob({ ...sides.database, schema }, { state: 'scheduled' });
        const before = await stored(id);
        await client.query('begin');
        await action.oursTx(sides.river(schema), client, id);
        await client.query('rollback');
        expect(await stored(id)).toEqual(before);
      });

      test('an id that is not there', async () => {
        expect(await ours(action.ours(sides.river(schema), String(10n ** 15n)))).toBe(
          'JobNotFoundError',
        );
        expect(await gos(askGo(action.go, String(10n ** 15n)))).toBe('JobNotFoundError');
      });
    });

    test('a retry of a unique job whose place is taken fails with both, as a unique violation', async () => {
      const unique = { unique_key: '\\x0102', unique_states: '11110101' };
      const database = { ...sides.database, schema };
      const id = await plantJob(database, { ...unique, state: 'discarded' });
      await plantJob(database, { ...unique, state: 'available' });
      await expect(sides.river(schema).jobRetry(id)).rejects.toMatchObject({
        name: 'DatabaseError',
        sqlState: '23505',
        message: expect.stringMatching(/an equal unique job/) as unknown,
      });
      await expect(askGo({ action: 'retry' }, id)).rejects.toMatchObject({ sqlState: '23505' });
    });

    describe('tells workers', () => {
      /** What is heard on River's channels while a call runs, the job's id taken out. */
      async function heard(id: string, call: () => Promise<unknown>): Promise<string[]> {
        const told: string[] = [];
        const hear = ({ channel, payload }: pg.Notification): unknown =>
          told.push(`${channel} ${payload?.replace(String(id), 'ID')}`);
        client.on('notification', hear);
        for (const channel of ['river_control', 'river_insert']) {
          await client.query(`listen "${schema}.${channel}"`);
        }
        await call();
        await client.query('select 1');
        await client.query('unlisten *');
        client.off('notification', hear);
        return told;
      }

      describe.each(Object.entries(ACTIONS))('by %s', (_name, action) => {
        test.each(JOB_STATES)('of one that is %s what Go tells', async (state) => {
          const row = { state, queue: 'slow', attempt: 1 };
          const database = { ...sides.database, schema };
          const [our, go] = (await plantJobs(database, [row, row])) as [string, string];
          const told = await heard(our, () => ours(action.ours(sides.river(schema), our)));
          expect(told).toEqual(await heard(go, () => gos(askGo(action.go, go))));
        });
      });

      test('of a cancelled job, with its queue', async () => {
        const id = await plantJob({ ...sides.database, schema }, { state: 'running' });
        expect(await heard(id, () => sides.river(schema).jobCancel(id))).toEqual([
          `${schema}.river_control {"action" : "cancel", "job_id" : ID, "queue" : "default"}`,
        ]);
      });
    });
  });
});
