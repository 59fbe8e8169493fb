import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RiverClient } from 'nestjs-river';
import { startSpiedClient, type SpiedClient } from '../client/started-client.js';
import { type StatementSpy } from '../support/index.js';
import { plantJobs } from './planted-jobs.js';

let spy: StatementSpy;
let client: SpiedClient;
beforeAll(async () => {
  client = await startSpiedClient();
  spy = client.spy;
});
afterAll(() => client.stop());

/** As from JavaScript, where nothing keeps a caller from it. */
type Untyped = Record<keyof RiverClient, (...args: unknown[]) => Promise<unknown>>;
const untyped = (): Untyped => client.river as unknown as Untyped;

async function expectRefused(
  call: (river: Untyped) => Promise<unknown>,
  error: { code?: string; field: string; message?: RegExp },
): Promise<void> {
  const { statements } = await spy.during(async () => {
    await expect(call(untyped())).rejects.toMatchObject({
      name: 'InvalidParamsError',
      code: error.code ?? 'RIVER_INVALID_PARAMS',
      field: error.field,
      message: expect.stringMatching(error.message ?? /must be/) as unknown,
    });
  });
  expect(statements).toEqual([]);
}

const ONE_JOB = ['jobGet', 'jobCancel', 'jobRetry', 'jobRescue', 'jobDelete', 'jobUpdate'] as const;

describe('an id', () => {
  test.each([
    0,
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    0n,
    -1n,
    2n ** 63n,
    '',
    ' 1',
    '1.0',
    '-1',
    '0x10',
    '99999999999999999999',
    '9223372036854775808',
    null,
    undefined,
    {},
    [1],
    true,
  ])('%p is refused by every call about one job', async (id) => {
    for (const name of ONE_JOB)
      await expectRefused((river) => river[name](id, {}), { field: 'id' });
  });

  test('is refused with its place in a list', () =>
    expectRefused((river) => river.jobList({ ids: [1n, '2', 0] }), { field: 'ids[2]' }));

  test('is named without its value, but for a number', async () => {
    await expect(untyped().jobGet('secret')).rejects.toThrow(/a string of 6 characters/);
    await expect(untyped().jobGet(-5)).rejects.toThrow(/the number -5/);
  });
});

const NO_SUCH = /there is no such/;

class TimeSpan {
  readonly from = new Date(0);
}

const MANY = ['jobDeleteMany', 'jobCancelMany', 'jobRetryMany'] as const;

describe.each(['jobList', ...MANY] as const)('a filter of %s', (name) => {
  test.each<[string, object, RegExp?]>([
    ['state', { state: ['available'] }, NO_SUCH],
    ['limit', { limit: 5 }, NO_SUCH],
    ['states', { states: 'available' }],
    ['states[1]', { states: ['available', 'done'] }],
    ['states[0]', { states: [null] }],
    ['kinds', { kinds: null }],
    ['kinds[0]', { kinds: [''] }],
    ['kinds[0]', { kinds: [5] }],
    ['kinds[0]', { kinds: ['a\0'] }, /NUL/],
    ['queues[1]', { queues: ['a', '\ud800'] }, /surrogate/],
    ['priorities[0]', { priorities: ['1'] }],
    ['priorities[0]', { priorities: [0] }],
    ['priorities[1]', { priorities: [1, 5] }],
    ['tagsAll', { tagsAll: 'tag' }],
    ['tagsAny[0]', { tagsAny: [{}] }],
    ['args', { args: [] }],
    ['args', { args: 'text' }],
    ['args.a', { args: { a: () => 1 } }, /function/],
    ['args.b.c', { args: { a: 1, b: { c: undefined } } }, /leave it out/],
    ['metadata.a', { metadata: { a: undefined } }, /leave it out/],
    ['metadata', { metadata: [] }],
    ['metadata', { metadata: '{}' }],
    ['metadata', { metadata: null }],
    ['metadata.a', { metadata: { a: Number.NaN } }, /NaN/],
    ['createdAt', { createdAt: new Date() }],
    ['createdAt', { createdAt: '2020-01-01' }],
    ['createdAt', { createdAt: [] }],
    ['createdAt', { createdAt: new Map([['from', new Date()]]) }],
    ['finalizedAt', { finalizedAt: new TimeSpan() }],
    ['createdAt.since', { createdAt: { since: new Date() } }, NO_SUCH],
    ['finalizedAt.from', { finalizedAt: { from: '2020-01-01' } }],
    ['finalizedAt.to', { finalizedAt: { to: new Date(Number.NaN) } }],
    ['scheduledAt.to', { scheduledAt: { to: new Date(-8.64e15) } }],
    ['attemptedAt.from', { attemptedAt: { from: null } }],
    ['first', { first: 0 }],
    ['first', { first: 10_001 }],
    ['first', { first: 1.5 }],
    ['first', { first: '10' }],
    ['first', { first: null }],
  ])('%s: %p is refused', (field, params, ...[message = /must be/]) =>
    expectRefused((river) => river[name]({ kinds: ['a'], ...params }), { field, message }),
  );

  test.each([null, 'all', [], 5])('in parameters that are %p is refused', (params) =>
    expectRefused((river) => river[name](params), { field: 'params' }),
  );
});

describe('jobList refuses', () => {
  test.each<[string, object, RegExp?]>([
    ['orderBy', { orderBy: 'finalized_at' }],
    ['orderBy', { orderBy: ['id', 'asc'] }],
    ['orderBy', { orderBy: null }],
    ['sortOrder', { sortOrder: 'DESC' }],
    ['states', { orderBy: 'finalizedAt', states: ['completed', 'running'] }, /running/],
    ['unsafeAll', { unsafeAll: true }, NO_SUCH],
  ])('%s: %p', (field, params, ...[message]) =>
    expectRefused((river) => river.jobList(params), { field, ...(message && { message }) }),
  );

  const encoded = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    '',
    'nonsense',
    5,
    null,
    {},
    encoded({}),
    encoded([]),
    encoded(['query', '1']),
    encoded(['query', 1, null]),
    encoded(['query', '1', "2020-01-01' or true"]),
    encoded([null, '1', null]),
  ])('%p as a cursor', (after) =>
    expectRefused((river) => river.jobList({ after }), {
      code: 'RIVER_INVALID_CURSOR',
      field: 'after',
    }),
  );
});

describe('jobList refuses as the cursor of a page', () => {
  const orders = [
    { orderBy: 'scheduledAt' },
    { orderBy: 'finalizedAt' },
    { orderBy: 'time', states: ['completed'] },
  ] as const;
  const TIMES = [
    null,
    '',
    'now',
    'yesterday',
    '2020-01-01',
    '2020-01-01T00:00:00',
    "2020-01-01T00:00:00+00:00' or true",
    0,
  ];

  test.each(orders.flatMap((order) => TIMES.map((time) => [time, order] as const)))(
    'the time %p, by %p',
    async (time, order) => {
      await plantJobs(spy.database, [{ state: 'completed' }]);
      const { lastCursor = '' } = await client.river.jobList({ ...order, first: 1 });
      const position = JSON.parse(Buffer.from(lastCursor, 'base64url').toString()) as unknown[];
      const after = Buffer.from(JSON.stringify([...position.slice(0, 2), time])).toString(
        'base64url',
      );
      await expectRefused((river) => river.jobList({ ...order, after }), {
        code: 'RIVER_INVALID_CURSOR',
        field: 'after',
      });
    },
  );
});

describe.each(MANY)('%s refuses', (many) => {
  test.each([
    {},
    undefined,
    { first: 5 },
    { args: {}, metadata: {}, tagsAll: [], createdAt: {} },
    { unsafeAll: false },
  ])('what has no filter: %p', (params) =>
    expectRefused((river) => river[many](params), {
      field: 'params',
      message: /unsafeAll/,
    }),
  );

  test.each<[string, object, RegExp?]>([
    ['unsafeAll', { unsafeAll: true, kinds: ['a'] }, /beside/],
    ['unsafeAll', { unsafeAll: 1 }],
    ['orderBy', { kinds: ['a'], orderBy: 'id' }, NO_SUCH],
    ['after', { kinds: ['a'], after: 'x' }, NO_SUCH],
  ])('%s: %p', (field, params, ...[message]) =>
    expectRefused((river) => river[many](params), { field, ...(message && { message }) }),
  );
});

describe('jobUpdate refuses', () => {
  test.each<[string, unknown, RegExp?]>([
    ['params', null],
    ['state', { state: 'available' }, NO_SUCH],
    ['output.a[0]', { output: { a: [undefined] } }, /undefined/],
    ['output', { output: () => 5 }, /function/],
    ['output', { output: 'x'.repeat(32 * 1024 * 1024) }, /33554432 bytes/],
    ['metadata', { metadata: 'text' }],
    ['metadata.a', { metadata: { a: '\0' } }, /NUL/],
    ['args', { args: 5 }, /kind|args/],
    ['args.a', { args: { kind: 'k', a: Number.NaN } }, /NaN/],
    ['args', { args: null }, /must not be null/],
    ['queue', { queue: 'UPPER' }],
    ['queue', { queue: null }, /must be 1 to 64/],
    ['priority', { priority: 5 }],
    ['scheduledAt', { scheduledAt: '2090-01-01' }],
    ['delay', { delay: -1 }],
    ['delay', { delay: 1, scheduledAt: new Date() }, /beside/],
    ['uniqueOpts', { uniqueOpts: { byArgs: true } }, /needs args/],
    ['uniqueOpts.byArgs', { args: { kind: 'k' }, uniqueOpts: { byArgs: 5 } }],
  ])('%s: %#', (field, params, ...[message]) =>
    expectRefused((river) => river.jobUpdate(1, params), { field, ...(message && { message }) }),
  );
});

describe('jobRescue refuses', () => {
  test.each<[string, unknown, RegExp?]>([
    ['params', null],
    ['rescueAfter', { rescueAfter: 5 }, NO_SUCH],
    ['rescueAfterMs', { rescueAfterMs: 0 }],
    ['rescueAfterMs', { rescueAfterMs: 1.5 }],
    ['rescueAfterMs', { rescueAfterMs: 2 ** 31 }],
    ['rescueAfterMs', { rescueAfterMs: '1000' }],
    ['rescueAfterMs', { rescueAfterMs: null }],
  ])('%s: %#', (field, params, ...[message]) =>
    expectRefused((river) => river.jobRescue(1, params), { field, ...(message && { message }) }),
  );
});

const ONE_QUEUE = ['queueGet', 'queuePause', 'queueResume', 'queueUpdate'] as const;

describe('a queue', () => {
  test.each([undefined, null, '', 5, ['a'], 'a\0'])('named %p is refused', async (queue) => {
    for (const name of ONE_QUEUE) {
      await expectRefused((river) => river[name](queue, {}), { field: 'name', message: /name: / });
    }
  });

  test.each<[string, unknown, RegExp?]>([
    ['params', null],
    ['metadata', { metadata: null }],
    ['metadata', { metadata: [1] }],
    ['paused', { paused: true }, NO_SUCH],
    ['metadata', { metadata: { long: 'x'.repeat(8_000) } }, /7999 bytes/],
  ])('is refused an update of %s: %#', (field, params, ...[message]) =>
    expectRefused((river) => river.queueUpdate('q', params), {
      field,
      ...(message && { message }),
    }),
  );

  test.each<[string, unknown, RegExp?]>([
    ['first', { first: 0 }],
    ['first', { first: 10_001 }],
    ['after', { after: 'q' }, NO_SUCH],
    ['params', 5],
  ])('is refused in a list by %s: %p', (field, params, ...[message]) =>
    expectRefused((river) => river.queueList(params), { field, ...(message && { message }) }),
  );

  test.each<[string, unknown, RegExp?]>([
    ['finalized', { finalized: 'yes' }],
    ['queues', { queues: ['a'] }, NO_SUCH],
  ])('is refused in its stats by %s: %p', (field, params, ...[message]) =>
    expectRefused((river) => river.queueStats(params), { field, ...(message && { message }) }),
  );
});

describe('a transaction', () => {
  const TWINS: readonly [keyof RiverClient, unknown][] = [
    ...[...ONE_JOB, ...ONE_QUEUE].map((name): [typeof name, unknown] => [name, '1']),
    ['jobList', {}],
    ['queueList', {}],
    ...MANY.map((name): [typeof name, unknown] => [name, { ids: [1] }]),
  ];

  test.each(TWINS)('is needed by %sTx', async (name, first) => {
    const twin = `${name}Tx` as keyof RiverClient;
    // The third parameter of jobGetTx is a class.
    const third = name === 'jobGet' ? undefined : {};
    for (const tx of [undefined, 5, {}]) {
      const error = { code: 'RIVER_INVALID_TRANSACTION', field: 'tx' };
      await expect(untyped()[twin](tx, first, third)).rejects.toMatchObject(error);
    }
    const call = untyped()[twin](client.dataSource.manager, first, third);
    await expect(call).rejects.toMatchObject({ code: 'RIVER_NOT_IN_TRANSACTION' });
  });

  test('stays usable after a refusal', async () => {
    await client.dataSource.transaction(async (manager) => {
      await expect(untyped().jobGetTx(manager, 'x')).rejects.toThrow('id');
      await expect(untyped().jobListTx(manager, { x: 1 })).rejects.toThrow('no such');
      await expect(client.river.jobCancelTx(manager, 999_999)).rejects.toThrow('no job 999999');
      expect((await client.river.jobListTx(manager, { kinds: ['none'] })).jobs).toEqual([]);
    });
  });
});
