import { describe, expect, test } from '@jest/globals';
import { JobArgs } from '../../decorators/job-args.decorator.js';
import { checkInsertOpts } from '../../lib/insert/options/check-insert-opts.js';
import { makeInsertParams, type InsertContext } from '../../lib/insert/insert-params.js';
import { rawJson } from '../../lib/insert/json/raw-json.js';
import { jobArgs } from '../../lib/job/job-args.js';
import { CONTEXT, NOW } from './key-text.js';
import { refusalOf } from './refusal.js';

const SORT = jobArgs('sort', { strings: ['whale'] });
const params = (opts?: unknown, args: unknown = SORT, context: Partial<InsertContext> = {}) =>
  makeInsertParams(args, opts, { ...CONTEXT, ...context });
const refusalFor = (args: unknown, opts?: unknown) => refusalOf(() => params(opts, args));

test("a job without options has River's defaults", () => {
  expect(params()).toEqual({
    kind: 'sort',
    encodedArgs: '{"strings":["whale"]}',
    createdAt: NOW,
    schedule: { at: NOW },
    state: 'available',
    maxAttempts: 25,
    metadata: '{}',
    priority: 1,
    queue: 'default',
    tags: [],
    unique: undefined,
    outsideTransaction: 'allow',
    signal: undefined,
  });
});

describe('the state', () => {
  const past = new Date(0);
  const future = new Date('2030-01-01T00:00:00Z');

  test.each([
    ['no schedule', {}, 'available', NOW],
    ['a time to come', { scheduledAt: future }, 'scheduled', future],
    ['a past time', { scheduledAt: past }, 'scheduled', past],
    ['this very moment', { scheduledAt: NOW }, 'scheduled', NOW],
    ['a delay', { delay: 1_500 }, 'scheduled', new Date(NOW.getTime() + 1_500)],
    ['a delay of 0', { delay: 0 }, 'available', NOW],
    ['pending', { pending: true }, 'pending', NOW],
    ['pending and a time', { pending: true, scheduledAt: future }, 'pending', future],
    ['pending and a delay of 0', { pending: true, delay: 0 }, 'pending', NOW],
    ['not pending', { pending: false }, 'available', NOW],
    ['null for all of them', { pending: null, scheduledAt: null, delay: null }, 'available', NOW],
  ])('with %s', (_name, opts, state, scheduledAt) => {
    expect(params(opts)).toMatchObject({ state, schedule: { at: scheduledAt }, createdAt: NOW });
  });

  test.each([
    ['no schedule', {}, 'available', undefined],
    ['a time to come', { scheduledAt: future }, 'scheduled', { at: future }],
    ['a past time', { scheduledAt: past }, 'scheduled', { at: past }],
    ['a delay', { delay: 1_500 }, 'scheduled', { delayMs: 1_500 }],
    ['a delay of 0', { delay: 0 }, 'available', undefined],
    ['pending', { pending: true }, 'pending', undefined],
  ])('with %s leaves the times to the database without a clock', (_name, opts, state, schedule) => {
    const made = params(opts, SORT, { isClockGiven: false });
    expect(made).toMatchObject({ state, createdAt: undefined });
    expect(made.schedule).toEqual(schedule);
  });

  test('a delay beyond what a Date can hold is refused', () => {
    expect(refusalFor(SORT, { delay: 8.64e15 })).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'delay',
    });
  });
});

describe('an option comes from the innermost level that gives it', () => {
  @JobArgs('levels', {
    queue: 'of_class',
    priority: 3,
    maxAttempts: 3,
    tags: ['class'],
    metadata: { from: 'class' },
  })
  class Levels {
    readonly #opts: unknown;
    constructor(opts?: unknown) {
      this.#opts = opts;
    }
    insertOpts(): unknown {
      return this.#opts;
    }
  }
  const moduleOpts = checkInsertOpts({
    maxAttempts: 2,
    outsideTransaction: 'error',
    queue: 'of_module',
  });
  const merged = (call?: object, instance?: object, args: object = new Levels(instance)) =>
    params(call, args, { moduleOpts });

  test('the call, then the instance, then the class, then the module, then River', () => {
    expect(merged({ queue: 'of_call' }, { queue: 'of_instance' }).queue).toBe('of_call');
    expect(merged({}, { queue: 'of_instance' }).queue).toBe('of_instance');
    expect(merged({}, {}).queue).toBe('of_class');
    expect(merged({}, undefined, SORT).queue).toBe('of_module');
    expect(params({}, SORT).queue).toBe('default');
    expect(merged().outsideTransaction).toBe('error');
    expect(merged({ outsideTransaction: 'warn' }).outsideTransaction).toBe('warn');
  });

  test('undefined lets the next level through, null does not', () => {
    expect(merged({ queue: undefined }, { queue: 'of_instance' }).queue).toBe('of_instance');
    expect(merged({ queue: null }, { queue: 'of_instance' }).queue).toBe('default');
    expect(merged({ maxAttempts: null }).maxAttempts).toBe(25);
    expect(merged({}, { tags: null }).tags).toEqual([]);
    expect(merged({ metadata: null }).metadata).toBe('{}');
  });

  test('an empty list of tags overrides, as in Go', () => {
    expect(merged({ tags: [] }).tags).toEqual([]);
  });

  test('metadata and pending of the class are honoured', () => {
    @JobArgs('waiting', { pending: true, metadata: { from: 'class' } })
    class Waiting {}
    expect(params({}, new Waiting())).toMatchObject({
      state: 'pending',
      metadata: '{"from":"class"}',
    });
    expect(params({ pending: false }, new Waiting()).state).toBe('available');
  });

  test('a schedule of the call replaces that of the class, under either name', () => {
    @JobArgs('later', { scheduledAt: new Date(0) })
    class Later {}
    expect(params({}, new Later())).toMatchObject({
      state: 'scheduled',
      schedule: { at: new Date(0) },
    });
    expect(params({ delay: 0 }, new Later())).toMatchObject({
      state: 'available',
      schedule: { at: NOW },
    });
    expect(params({ scheduledAt: null }, new Later()).state).toBe('available');
    expect(params({ delay: null }, new Later()).state).toBe('available');
  });

  test('unique options are replaced whole, and cleared by null or {}', () => {
    @JobArgs('once', { uniqueOpts: { byArgs: true, byQueue: true } })
    class Once {}
    const text = (uniqueOpts: unknown): unknown => params({ uniqueOpts }, new Once()).unique;
    expect(text(undefined)).toMatchObject({ text: '&kind=once&args={}&queue=default' });
    expect(text({ byPeriod: 60 })).toMatchObject({
      text: '&kind=once&period=2026-11-21T10:07:00Z',
    });
    expect(text(null)).toBeUndefined();
    expect(text({})).toBeUndefined();
  });

  test('a refusal names the level', () => {
    expect(refusalFor(new Levels({ priority: 0 }))).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'insertOpts().priority',
    });
    expect(refusalFor(new Levels(5))).toMatchObject({ field: 'insertOpts().options' });
    expect(refusalFor(new Levels(), { priority: 0 })).toMatchObject({ field: 'priority' });
  });

  test('0 and an empty text are values, and refused', () => {
    for (const opts of [{ priority: 0 }, { maxAttempts: 0 }, { queue: '' }, { metadata: '' }]) {
      expect(refusalFor(SORT, opts).field).toBe(Object.keys(opts)[0]);
    }
  });
});

describe('the args', () => {
  test('of an object literal are without kind and insertOpts', () => {
    const args = { kind: 'k', a: { kind: 'nested' }, insertOpts: () => ({ priority: 2 }) };
    expect(params({}, args)).toMatchObject({
      kind: 'k',
      encodedArgs: '{"a":{"kind":"nested"}}',
      priority: 2,
    });
  });

  test('of a decorated class keep a kind property', () => {
    @JobArgs('decorated')
    class Both {
      readonly kind = 'data';
      readonly insertOpts = () => ({ priority: 4 });
    }
    expect(params({}, new Both())).toMatchObject({
      kind: 'decorated',
      encodedArgs: '{"kind":"data"}',
      priority: 4,
    });
  });

  test('are what toJSON() answers, with whatever it says', () => {
    const args = { kind: 'k', toJSON: () => ({ kind: 'data', insertOpts: 1 }) };
    expect(params({}, args).encodedArgs).toBe('{"kind":"data","insertOpts":1}');
  });

  test('may be rawJson as a whole', () => {
    expect(params({}, jobArgs('k', rawJson('{ "price": 1.0 }'))).encodedArgs).toBe('{"price":1.0}');
    const args = { kind: 'k', toJSON: () => rawJson('{"a":1e2}') };
    expect(params({}, args).encodedArgs).toBe('{"a":1e2}');
  });

  test.each<[string, object]>([
    ['an array', jobArgs('k', [1])],
    ['a Date', jobArgs('k', new Date(0))],
    ['a number', { kind: 'k', toJSON: () => 5 }],
    ['null', { kind: 'k', toJSON: () => null }],
    ['rawJson that is no object', jobArgs('k', rawJson('[1]'))],
  ])('are refused if they encode to %s', (_name, args) => {
    expect(refusalFor(args)).toMatchObject({ code: 'RIVER_ARGS_NOT_OBJECT', field: 'args' });
  });

  test('are refused with a hint if toJSON() returned text', () => {
    const refusal = refusalFor({ kind: 'k', toJSON: () => '{"a":1}' });
    expect(refusal.code).toBe('RIVER_ARGS_NOT_OBJECT');
    expect(refusal.message).toMatch(/toJSON\(\) must return the object itself.*rawJson\(text\)/);
  });

  test('are refused if reading their kind or insertOpts throws, with the cause', () => {
    const cause = new Error('hunter2');
    const thrower = (): never => {
      throw cause;
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const args of [
      Object.defineProperty({}, 'kind', { get: thrower }),
      { kind: 'k', insertOpts: thrower },
      Object.defineProperty({ kind: 'k' }, 'toJSON', { get: thrower }),
      new Proxy({}, { getPrototypeOf: thrower }),
    ]) {
      expect(refusalFor(args)).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'args', cause });
      expect(refusalFor(args).message).not.toContain('hunter2');
    }
    expect(refusalFor(proxy)).toMatchObject({ code: 'RIVER_ARGS_NOT_JSON', field: 'args' });
  });
});

describe('the kind', () => {
  test.each([
    ['empty', ''],
    ['of 128 characters', 'k'.repeat(128)],
    ['of 128 characters of two units each', '😀'.repeat(128)],
    ['with NUL', 'a\0b'],
    ['with half a surrogate pair', '\ud800'],
  ])('is refused if it is %s', (_name, kind) => {
    expect(refusalFor({ kind })).toMatchObject({ code: 'RIVER_INVALID_KIND', field: 'kind' });
  });

  test('may be of 127 characters, whatever they are', () => {
    for (const kind of ['k'.repeat(127), '😀'.repeat(127), ' ', '\n', '"\'\\;--']) {
      expect(params({}, { kind }).kind).toBe(kind);
    }
  });

  test('is claimed only by a job that is not refused for something else', () => {
    const claimed: string[] = [];
    const claimKind: InsertContext['claimKind'] = ({ kind }) => void claimed.push(kind);
    refusalOf(() => params({ priority: 0 }, { kind: 'a' }, { claimKind }));
    refusalOf(() => params({}, { kind: 'b', x: NaN }, { claimKind }));
    params({}, { kind: 'c' }, { claimKind });
    expect(claimed).toEqual(['c']);
  });
});

test('refusals come in the order of River: args, queue, tags, priority, unique options', () => {
  const opts = { uniqueOpts: { byPeriod: 0 }, priority: 0, tags: [''], queue: '' };
  expect(refusalFor({ kind: 'k', a: NaN }, opts).field).toBe('args.a');
  expect(refusalFor(SORT, opts).field).toBe('queue');
  expect(refusalFor(SORT, { ...opts, queue: 'a' }).field).toBe('tags[0]');
  expect(refusalFor(SORT, { ...opts, queue: 'a', tags: [] }).field).toBe('priority');
});

test('later changes of the args, the options and their lists change nothing', () => {
  const payload = { strings: ['whale'] };
  const opts = { tags: ['abc'], metadata: { a: 1 }, scheduledAt: new Date(1_000) };
  const made = params(opts, jobArgs('sort', payload));
  const before = structuredClone({ ...made });
  payload.strings.push('tiger');
  opts.tags.push('def');
  opts.metadata.a = 2;
  opts.scheduledAt.setTime(0);
  expect(structuredClone({ ...made })).toEqual(before);
  expect(Object.isFrozen(made)).toBe(true);
  expect(Object.isFrozen(made.tags)).toBe(true);
});
