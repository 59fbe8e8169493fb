import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { QueueNotFoundError, type RiverClient } from 'nestjs-river';
import { connect, queryAll } from '../support/index.js';
import {
  comparableGoQueue,
  comparableQueue,
  comparableStored,
  type GoQueue,
} from './support/agreement.js';
import { describeWithGo } from './support/toolchain.js';
import { SCHEMAS, useTwoSides, type TwoSides, type Schema } from './support/two-sides.js';

interface Call {
  /** Of the Go program. */
  readonly go: { readonly action: string; readonly metadata?: string };
  readonly ours: (river: RiverClient, name: string) => Promise<unknown>;
  readonly oursTx: (river: RiverClient, tx: pg.Client, name: string) => Promise<unknown>;
}

/** Go does not find it; see the README on the differences. */
const isDecided = (title: string, name: string): boolean =>
  title === 'queuePause' && name === 'nobody';

const METADATA = { limit: { '<': 3 }, list: [1.5, null, 'é'] };

const CALLS: Record<string, Call> = {
  queueGet: {
    go: { action: 'get' },
    ours: (river, name) => river.queueGet(name).then(comparableQueue),
    oursTx: (river, tx, name) => river.queueGetTx(tx, name).then(comparableQueue),
  },
  queuePause: {
    go: { action: 'pause' },
    ours: (river, name) => river.queuePause(name),
    oursTx: (river, tx, name) => river.queuePauseTx(tx, name),
  },
  queueResume: {
    go: { action: 'resume' },
    ours: (river, name) => river.queueResume(name),
    oursTx: (river, tx, name) => river.queueResumeTx(tx, name),
  },
  'queueUpdate without metadata': {
    go: { action: 'update' },
    ours: (river, name) => river.queueUpdate(name, {}).then(comparableQueue),
    oursTx: (river, tx, name) => river.queueUpdateTx(tx, name, {}).then(comparableQueue),
  },
  'queueUpdate with metadata': {
    go: { action: 'update', metadata: JSON.stringify(METADATA) },
    ours: (river, name) => river.queueUpdate(name, { metadata: METADATA }).then(comparableQueue),
    oursTx: (river, tx, name) =>
      river.queueUpdateTx(tx, name, { metadata: METADATA }).then(comparableQueue),
  },
};

describeWithGo('the queues', () => {
  let sides: TwoSides;
  let client: pg.Client;
  useTwoSides((opened) => (sides = opened));
  beforeAll(async () => {
    client = await connect(sides.database);
  });
  afterAll(() => client.end());

  beforeEach(async () => {
    // Of a test before this one that failed in the middle.
    await client.query('rollback');
    for (const schema of SCHEMAS) {
      await queryAll(
        sides.database,
        `delete from "${schema}".river_queue;
         insert into "${schema}".river_queue (name, created_at, metadata, paused_at, updated_at) values
           ('runs', '2020-01-01T00:00:00Z', '{"old": 1}', null, '2020-01-01T00:00:01.000005Z'),
           ('waits', '2020-01-01T00:00:00Z', '{}', '2020-01-02T00:00:00Z', '2020-01-03T00:00:00Z')`,
      );
    }
  });

  const stored = async (schema: string): Promise<unknown> => {
    const rows = await queryAll<Record<string, string | null>>(
      sides.database,
      `select name, created_at::text, metadata::text, paused_at::text, updated_at::text
       from "${schema}".river_queue order by name`,
    );
    return rows.map(comparableStored);
  };

  /** Does the same with ours in one schema and with Go's in the other, and compares all there is. */
  async function expectAgreement(call: Call, name: string, schemas: readonly Schema[]) {
    const [ourSchema = 'public', goSchema = 'public'] = schemas;
    const answer = await called(call.ours(sides.river(ourSchema), name));
    const gos = await called(asked({ schema: goSchema, ...call.go, name }));
    expect(answer).toEqual(gos);
    expect(await stored(ourSchema)).toEqual(await stored(goSchema));
    return answer;
  }

  const called = (call: Promise<unknown>): Promise<unknown> =>
    call.catch((error: unknown) => {
      if (error instanceof QueueNotFoundError) return 'not found';
      if ((error as Error).message === 'not found') return 'not found';
      throw error;
    });

  async function asked(request: object): Promise<unknown> {
    const { queues } = await sides.go.ask<{ queues: GoQueue[] }>('queue', request);
    return queues[0] && comparableGoQueue(queues[0]);
  }

  describe.each([[SCHEMAS], [[...SCHEMAS].reverse()]])('of %p', (schemas) => {
    describe.each(Object.entries(CALLS))('%s', (title, call) => {
      const isAgreed = (name: string): boolean => !isDecided(title, name);

      test.each(['runs', 'waits', 'nobody', '*'].filter(isAgreed))(
        'on %s: answers and leaves what Go does',
        (name) => expectAgreement(call, name, schemas),
      );

      const names = ['runs', 'nobody', '*'].filter(isAgreed);
      test.each(names)('on %s: tells workers what Go tells', async (name) => {
        const told = new Map<string, unknown[]>(SCHEMAS.map((schema) => [schema, []]));
        const hear = ({ channel, payload = '' }: pg.Notification): unknown =>
          told.get(channel.split('.')[0] ?? '')?.push([channel.split('.')[1], JSON.parse(payload)]);
        client.on('notification', hear);
        for (const schema of SCHEMAS) await client.query(`listen "${schema}.river_control"`);
        await expectAgreement(call, name, schemas);
        await client.query('select 1');
        client.off('notification', hear);
        const [ours, gos] = schemas.map((schema) => told.get(schema));
        expect(ours).toEqual(gos);
        const isSilent =
          name === 'nobody' || /Get|without/.test(title) || (name === '*' && /Update/.test(title));
        expect(ours).toHaveLength(isSilent ? 0 : 1);
      });

      test('in a transaction: counts from its COMMIT on', async () => {
        const [schema = 'public', goSchema = 'public'] = schemas;
        const before = await stored(schema);
        await client.query('begin');
        await sides.go.begin('tx');
        const answer = await called(call.oursTx(sides.river(schema), client, 'runs'));
        const request = { schema: goSchema, ...call.go, name: 'runs', tx: 'tx' };
        expect(answer).toEqual(await called(asked(request)));
        expect(await stored(schema)).toEqual(before);
        await client.query('commit');
        await sides.go.end('tx', { commit: true });
        expect(await stored(schema)).toEqual(await stored(goSchema));
      });
    });

    test.each([{}, { first: 1 }])('queueList(%p) lists what Go does', async (params) => {
      const [schema = 'public', goSchema = 'public'] = schemas;
      const { queues } = await sides.river(schema).queueList(params);
      const gos = await sides.go.ask<{ queues: GoQueue[] }>('queueList', {
        schema: goSchema,
        ...params,
      });
      expect(queues.map(comparableQueue)).toEqual(gos.queues.map(comparableGoQueue));
      expect(queues).toHaveLength(params.first ?? 2);
    });
  });
});
