import { describe, expect, test } from '@jest/globals';
import { checkInsertOpts } from '../../lib/insert/options/check-insert-opts.js';
import { rawJson } from '../../lib/insert/json/raw-json.js';
import { refusalOf } from './refusal.js';

const refusalFor = (opts: unknown) => refusalOf(() => checkInsertOpts(opts));

describe('checkInsertOpts takes, at their limits,', () => {
  test.each([
    ['priority', 1],
    ['priority', 4],
    ['maxAttempts', 1],
    ['maxAttempts', 32_767],
    ['pending', true],
    ['pending', false],
    ['queue', 'a'],
    ['queue', '0'],
    ['queue', 'a_b-c|d1'],
    ['queue', 'q'.repeat(64)],
    ['queue', `${'a-'.repeat(31)}ab`],
    ['tags', []],
    ['tags', ['abc', 'abc', '___', 'A-9', 'a'.repeat(255)]],
    ['outsideTransaction', 'allow'],
    ['outsideTransaction', 'warn'],
    ['outsideTransaction', 'error'],
  ])('%s %p', (option, value) => {
    expect(checkInsertOpts({ [option]: value })).toEqual({ [option]: value });
  });

  test('metadata, as JSON text', () => {
    expect(checkInsertOpts({ metadata: {} })).toEqual({ metadata: '{}' });
    expect(checkInsertOpts({ metadata: { a: [1n, rawJson('1.0')] } })).toEqual({
      metadata: '{"a":[1,1.0]}',
    });
    expect(checkInsertOpts({ metadata: { toJSON: () => ({ b: 1 }) } })).toEqual({
      metadata: '{"b":1}',
    });
  });

  test('scheduledAt from the first moment that Postgres knows to the last of a Date', () => {
    for (const time of [
      '-004713-11-24T00:00:00.000Z',
      '1969-12-31T23:59:59.999Z',
      '+275760-09-13T00:00:00.000Z',
    ]) {
      expect(checkInsertOpts({ scheduledAt: new Date(time) })).toEqual({
        schedule: { at: new Date(time) },
      });
    }
  });

  test('delay, as the other name of the schedule', () => {
    for (const delayMs of [0, 0.5, 8.64e15]) {
      expect(checkInsertOpts({ delay: delayMs })).toEqual({ schedule: { delayMs } });
    }
  });

  test('a signal', () => {
    const { signal } = new AbortController();
    expect(checkInsertOpts({ signal }).signal).toBe(signal);
  });
});

describe('checkInsertOpts refuses, one beyond and on both sides,', () => {
  test.each([
    [
      'priority',
      'RIVER_INVALID_OPTION',
      [0, 5, -1, 1.5, NaN, Infinity, '1', '', true, 1n, {}, [1]],
    ],
    [
      'maxAttempts',
      'RIVER_INVALID_OPTION',
      [0, 32_768, -1, 1.5, NaN, Infinity, '25', '', false, 1n],
    ],
    ['pending', 'RIVER_INVALID_OPTION', [0, 1, '', 'true', {}]],
    [
      'queue',
      'RIVER_INVALID_OPTION',
      [
        '',
        'q'.repeat(65),
        'A',
        'é',
        'a b',
        '_a',
        'a_',
        'a__b',
        'a-',
        '|',
        'a\n',
        '\na',
        'a.b',
        'a\0',
        0,
        [],
        ['a'],
      ],
    ],
    ['tags', 'RIVER_INVALID_OPTION', ['', 'abc', 0, {}, { length: 1, 0: 'abc' }, new Set(['abc'])]],
    [
      'metadata',
      'RIVER_INVALID_OPTION',
      [0, '', '{}', [], [{}], true, 5n, new Date(0), rawJson('1'), rawJson('[]')],
    ],
    [
      'scheduledAt',
      'RIVER_INVALID_OPTION',
      [0, '', '2026-11-21', new Date(NaN), new Date('-004713-11-23T23:59:59.999Z'), {}],
    ],
    [
      'delay',
      'RIVER_INVALID_OPTION',
      [-1, -0.001, NaN, Infinity, 8.64e15 + 2, '5', '', 5n, new Date()],
    ],
    ['uniqueOpts', 'RIVER_INVALID_UNIQUE_OPTS', [true, 0, '', [], 'byArgs']],
    ['outsideTransaction', 'RIVER_INVALID_OPTION', ['', 'Allow', 'refuse', true, 0]],
    ['signal', 'RIVER_INVALID_OPTION', [0, '', {}, { aborted: false }, new AbortController()]],
  ] as const)('%s', (option, code, values) => {
    for (const value of values) {
      expect(refusalFor({ [option]: value })).toMatchObject({ code, field: option });
      expect(refusalFor({ [option]: value }).message).toMatch(new RegExp(`^${option}: must`));
    }
  });

  test.each([
    ['too short', 'ab'],
    ['empty', ''],
    ['too long', 'a'.repeat(256)],
    ['beginning with a dash', '-ab'],
    ['ending with a dash', 'ab-'],
    ['with a comma', 'a,b'],
    ['with a space', 'a b'],
    ['with a line break at its end', 'abc\n'],
    ['not ASCII', 'äöü'],
    ['no string', 123],
    ['null', null],
    ['undefined', undefined],
    ['an array that prints as a tag', ['abc']],
  ])('a tag that is %s, by its place in the list', (_name, tag) => {
    expect(refusalFor({ tags: ['abc', tag] })).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'tags[1]',
    });
  });

  test('tags with a hole', () => {
    expect(refusalFor({ tags: new Array(3) })).toMatchObject({ field: 'tags[0]' });
  });

  test('metadata that JSON cannot hold, with the path of the value', () => {
    expect(refusalFor({ metadata: { a: [NaN] } })).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'metadata.a[0]',
    });
    const cause = new Error('x');
    const thrower = {
      get a() {
        throw cause;
      },
    };
    expect(refusalFor({ metadata: thrower })).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'metadata.a',
      cause,
    });
  });

  test('scheduledAt beside delay, also when one of them is 0', () => {
    expect(refusalFor({ scheduledAt: new Date(), delay: 0 })).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'delay',
    });
  });

  test('options that are no object', () => {
    for (const opts of [0, '', 'queue', true, [], () => ({}), Symbol('x')]) {
      expect(refusalFor(opts)).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'options' });
    }
  });

  test('an option that does not exist, and names those that do', () => {
    const refusal = refusalFor({ Queue: 'a' });
    expect(refusal).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'Queue' });
    expect(refusal.message).toMatch(/no such option.*queue, tags, priority, maxAttempts/);
    expect(refusalFor({ constructor: 1 })).toMatchObject({ field: 'constructor' });
    expect(refusalFor(JSON.parse('{"__proto__":1}'))).toMatchObject({ field: '__proto__' });
  });

  test('what throws when it is read, keeping what it threw as the cause', () => {
    const cause = new Error('hunter2');
    const opts = {
      get queue() {
        throw cause;
      },
    };
    expect(refusalFor(opts)).toMatchObject({
      code: 'RIVER_INVALID_OPTION',
      field: 'options',
      cause,
    });
    expect(refusalFor(opts).message).not.toContain('hunter2');

    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusalFor(proxy)).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'options' });
    for (const option of [
      'queue',
      'tags',
      'metadata',
      'scheduledAt',
      'uniqueOpts',
      'signal',
      'delay',
    ]) {
      expect(refusalFor({ [option]: proxy }).code).toMatch(/^RIVER_INVALID_/);
    }
    expect(refusalFor({ scheduledAt: new Proxy(new Date(), {}) }).code).toMatch(/^RIVER_INVALID/);
  });

  test('with the level of the option before its name', () => {
    const refusal = refusalOf(() => checkInsertOpts({ priority: 9 }, "@JobArgs('sort')."));
    expect(refusal.field).toBe("@JobArgs('sort').priority");
    expect(refusalOf(() => checkInsertOpts(5, 'insertOpts().')).field).toBe('insertOpts().options');
  });
});

test('a queue that nearly fits is refused at once', () => {
  const begin = process.cpuUsage();
  for (const last of ['!', '_', 'A']) refusalFor({ queue: 'a'.repeat(63) + last });
  refusalFor({ queue: `${'a_'.repeat(31)}!` });
  expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(1_000);
});

describe('the order of refusals', () => {
  test('is that of River: queue, tags, priority, then the rest', () => {
    const all = { uniqueOpts: 1, signal: 1, priority: 0, tags: [''], queue: '' };
    expect(refusalFor(all).field).toBe('queue');
    expect(refusalFor({ ...all, queue: 'a' }).field).toBe('tags[0]');
    expect(refusalFor({ ...all, queue: 'a', tags: [] }).field).toBe('priority');
    expect(refusalFor({ ...all, queue: 'a', tags: [], priority: 1 }).field).toBe('uniqueOpts');
  });
});

describe('presence', () => {
  test('undefined is not given: no options, and options that are undefined', () => {
    expect(checkInsertOpts(undefined)).toEqual({});
    expect(checkInsertOpts(null)).toEqual({});
    expect(Object.keys(checkInsertOpts({ queue: undefined, delay: undefined }))).toEqual([]);
  });

  test('null is kept, since it clears an outer level', () => {
    expect(checkInsertOpts({ queue: null, tags: null, uniqueOpts: null })).toEqual({
      queue: null,
      tags: null,
      uniqueOpts: null,
    });
    expect(checkInsertOpts({ scheduledAt: null })).toEqual({ schedule: null });
    expect(checkInsertOpts({ delay: null })).toEqual({ schedule: null });
  });

  test('of two names of the schedule, the one with a value counts beside a null', () => {
    const at = new Date(0);
    expect(checkInsertOpts({ scheduledAt: at, delay: null })).toEqual({ schedule: { at } });
    expect(checkInsertOpts({ scheduledAt: null, delay: 5 })).toEqual({ schedule: { delayMs: 5 } });
  });

  test('options of a class with accessors are read as well', () => {
    class Opts {
      get priority(): number {
        return 2;
      }
    }
    expect(checkInsertOpts(new Opts())).toEqual({ priority: 2 });
  });
});

test('later changes of what was given change nothing, and the copy is frozen', () => {
  const given = {
    tags: ['abc'],
    metadata: { a: 1 },
    scheduledAt: new Date(1_000),
    uniqueOpts: { byArgs: [['a', 'b']], byState: [] as string[] },
  };
  const checked = checkInsertOpts(given);
  const before = structuredClone(checked);
  given.tags.push('x');
  given.metadata.a = 2;
  given.scheduledAt.setTime(0);
  given.uniqueOpts.byArgs[0]?.push('c');
  given.uniqueOpts.byArgs.push(['d']);
  given.uniqueOpts.byState.push('nonsense');
  expect(structuredClone(checked)).toEqual(before);
  for (const value of [checked, checked.tags, checked.schedule, checked.uniqueOpts]) {
    expect(Object.isFrozen(value)).toBe(true);
  }
});
