import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { InsertManyParams, jobArgs, RiverClient, RiverConfigurationError } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { HOSTILE } from './hostile-values.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
let river: RiverClient;
beforeAll(async () => {
  client = await startClient({ river: { coalesce: { maxStatements: 1 } } });
  river = client.river;
});
beforeEach(() => queryAll(client.database, 'delete from river_job'));
afterAll(() => client.stop());

const good = (): object => jobArgs('good', { value: 1 });
/** Whatever the values of these are, they cannot be the args of a job. */
const BAD = Object.entries(HOSTILE).filter(([name]) => /throw|circular|levels|revoked/.test(name));

test.each(BAD)(
  '%s fails only its own insert among those of the same statement',
  async (_n, make) => {
    const inserts = [
      river.insert(good()),
      river.insert(make() as object),
      river.insert(jobArgs('bad', { value: make() })),
      river.insertMany([good(), jobArgs('bad', { value: make() })]),
      river.insert(good()),
    ];
    const outcomes = (await Promise.allSettled(inserts)).map(({ status }) => status);
    expect(outcomes[0]).toBe('fulfilled');
    expect(outcomes[4]).toBe('fulfilled');
    const goods = outcomes[3] === 'fulfilled' ? 3 : 2;
    expect(await countJobs(client.database, `kind = 'good'`)).toBe(goods);
  },
);

test('a Date is taken by the time that it holds, whatever its methods return', async () => {
  const scheduledAt = new Date('2040-01-02T03:04:05.678Z');
  for (const getTime of [() => 1, () => Number.NaN, () => 'x' as never]) {
    Object.defineProperty(scheduledAt, 'getTime', { value: getTime, configurable: true });
    const [lying, other] = await Promise.all([
      river.insert(good(), { scheduledAt }),
      river.insert(good()),
    ]);
    expect(lying.job.scheduledAt.toISOString()).toBe('2040-01-02T03:04:05.678Z');
    expect(other.job.state).toBe('available');
  }
  expect(await countJobs(client.database, `scheduled_at = '2040-01-02T03:04:05.678Z'`)).toBe(3);
});

test('args whose JSON text is longer than a string can be are refused, and nothing is sent', async () => {
  const megabyte = 'x'.repeat(1 << 20);
  const inserted = river.insert(jobArgs('huge', { list: new Array(600).fill(megabyte) }));
  await expect(inserted).rejects.toMatchObject({
    code: 'RIVER_ARGS_NOT_JSON',
    field: expect.stringMatching(/^args\.list/),
    message: expect.stringContaining('longer than a JavaScript string can be'),
  });
  expect(await countJobs(client.database)).toBe(0);
});

test('recursion without end in toJSON is refused', async () => {
  const toJSON = (): unknown => [toJSON()];
  const inserted = river.insert(jobArgs('endless', { value: { toJSON } }));
  await expect(inserted).rejects.toMatchObject({
    code: 'RIVER_ARGS_NOT_JSON',
    field: 'args.value',
  });
});

test.each(['throws', 'returns a proxy that throws'])(
  'a clock that %s is reported as the option clock, with its error as cause',
  async (how) => {
    const failure = new Error('no time');
    const clock = (): Date => {
      if (how === 'throws') throw failure;
      return new Proxy(new Date(), {});
    };
    const odd = new RiverClient(client.dataSource, { clock });
    for (const insert of [
      () => odd.insert(good()),
      () => odd.insertMany([good()]),
      () => odd.insertManyFast([good()]),
    ]) {
      const error: unknown = await insert().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RiverConfigurationError);
      expect(error).toMatchObject({ code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'clock' });
      expect((error as Error).cause).toBe(how === 'throws' ? failure : undefined);
    }
    expect(await countJobs(client.database)).toBe(0);
  },
);

test.each([
  ['an async iterable', (async function* () {})(), 'insertManyFast'],
  ['a Set', new Set(), 'insertManyFast'],
  ['a promise of an array', Promise.resolve([]), 'Await it'],
  ['args', good(), 'must be an array'],
])('insertMany refuses %s by its own code and says what to do', async (_what, items, hint) => {
  await expect(river.insertMany(items as object[])).rejects.toMatchObject({
    code: 'RIVER_INVALID_ITEMS',
    field: 'jobs',
    message: expect.stringContaining(hint),
  });
});

test('an item that throws when it is read is named by its place', async () => {
  const items = [good(), good()];
  Object.defineProperty(items, 1, {
    get: () => {
      throw new Error('broken');
    },
  });
  await expect(river.insertMany(items)).rejects.toMatchObject({
    code: 'RIVER_INVALID_ITEMS',
    index: 1,
  });
  expect(await countJobs(client.database)).toBe(0);
});

test('a refusal holds no error of another call that a getter throws', async () => {
  const other: unknown = await river.jobGet(1n).catch((error: unknown) => error);
  const args = { kind: 'good', toJSON: () => Promise.reject(other).catch(() => undefined) };
  Object.defineProperty(args, 'insertOpts', {
    get: () => {
      throw other;
    },
  });
  const item = InsertManyParams.of(args);
  const error: unknown = await river.insertMany([item]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'args', cause: other });
});
