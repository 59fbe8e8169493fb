import { describe, expect, test } from '@jest/globals';
import { checkInsertOpts } from '../../lib/insert/options/check-insert-opts.js';
import { checkUniqueOpts } from '../../lib/insert/options/check-unique-opts.js';
import { refusalOf } from './refusal.js';

const check = (opts: unknown) => checkUniqueOpts(opts, 'uniqueOpts');
const refusalFor = (opts: unknown) => refusalOf(() => check(opts));

const OFF = {
  byArgs: undefined,
  byPeriod: undefined,
  byQueue: false,
  byState: undefined,
  excludeKind: false,
};

describe('checkUniqueOpts takes', () => {
  test.each([
    [{ byArgs: true }, { byArgs: true }],
    [{ byArgs: ['a', 'b.c'] }, { byArgs: [['a'], ['b', 'c']] }],
    [{ byArgs: [['a.b', 'c'], 'd'] }, { byArgs: [['a.b', 'c'], ['d']] }],
    [
      { byArgs: ['__proto__', 'constructor.name'] },
      { byArgs: [['__proto__'], ['constructor', 'name']] },
    ],
    [{ byPeriod: 1 }, { byPeriod: 1 }],
    [{ byPeriod: 1.5 }, { byPeriod: 1.5 }],
    [{ byPeriod: 9_223_372_036 }, { byPeriod: 9_223_372_036 }],
    [{ byQueue: true }, { byQueue: true }],
    [
      { byQueue: true, excludeKind: true },
      { byQueue: true, excludeKind: true },
    ],
    [
      { byArgs: true, excludeKind: true },
      { byArgs: true, excludeKind: true },
    ],
    [
      { byPeriod: 60, excludeKind: true },
      { byPeriod: 60, excludeKind: true },
    ],
    [{ byArgs: true, byQueue: undefined, byPeriod: null }, { byArgs: true }],
    [{ byArgs: false, byQueue: true }, { byQueue: true }],
  ])('%j', (opts, expected) => {
    expect(check(opts)).toEqual({ ...OFF, ...expected });
  });

  test('a list of states in any order and with repeats', () => {
    const byState = ['running', 'available', 'pending', 'scheduled', 'running', 'completed'];
    expect(check({ byState })?.byState).toEqual([
      'running',
      'available',
      'pending',
      'scheduled',
      'completed',
    ]);
  });

  test('an empty list of states as unique by the default states', () => {
    expect(check({ byState: [] })).toEqual(OFF);
  });

  test.each([
    [{}],
    [{ byArgs: false, byQueue: false }],
    [{ byState: undefined }],
    [{ byState: null }],
    [{ excludeKind: false }],
  ])('%j as not unique', (opts) => {
    expect(check(opts)).toBeNull();
  });
});

describe('checkUniqueOpts refuses', () => {
  test.each<[string, readonly unknown[]]>([
    ['byArgs', ['strings', '', 0, 1, {}, [], new Set(['a'])]],
    ['byPeriod', [0, 0.999, -1, NaN, Infinity, 9_223_372_037, '60', '', true, 60n]],
    ['byQueue', [0, 1, '', 'yes', {}]],
    ['byState', ['available', '', 0, {}, true]],
    ['excludeKind', [0, 1, '', 'yes']],
  ])('%s', (option, values) => {
    for (const value of values) {
      expect(refusalFor({ byQueue: true, [option]: value })).toMatchObject({
        code: 'RIVER_INVALID_UNIQUE_OPTS',
        field: `uniqueOpts.${option}`,
      });
    }
  });

  test('a path that is none, by its place in the list', () => {
    for (const path of ['', '.', 'a.', '.a', 'a..b', [], [''], ['a', 5], 5, null, undefined, {}]) {
      expect(refusalFor({ byArgs: ['a', path] })).toMatchObject({ field: 'uniqueOpts.byArgs[1]' });
    }
    expect(refusalFor({ byArgs: new Array(1) })).toMatchObject({ field: 'uniqueOpts.byArgs[0]' });
  });

  test('a state that does not exist, by its place in the list, naming those that do', () => {
    const refusal = refusalFor({ byState: ['available', 'Running'] });
    expect(refusal).toMatchObject({ field: 'uniqueOpts.byState[1]' });
    expect(refusal.message).toMatch(
      /'available', 'cancelled', 'completed', 'discarded', 'pending'/,
    );
    expect(refusalFor({ byState: [undefined] })).toMatchObject({ field: 'uniqueOpts.byState[0]' });
  });

  test.each([[{ excludeKind: true }], [{ excludeKind: true, byState: [] }]])(
    '%j, since excludeKind needs another dimension',
    (opts) => {
      expect(refusalFor(opts)).toMatchObject({ field: 'uniqueOpts.excludeKind' });
    },
  );

  test('an option that does not exist, and names those that do', () => {
    const refusal = refusalFor({ byArg: true });
    expect(refusal).toMatchObject({ field: 'uniqueOpts.byArg' });
    expect(refusal.message).toMatch(/byArgs, byPeriod, byQueue, byState, excludeKind/);
  });

  test('what is no object', () => {
    for (const opts of [null, undefined, true, 0, '', []]) {
      expect(refusalFor(opts)).toMatchObject({
        code: 'RIVER_INVALID_UNIQUE_OPTS',
        field: 'uniqueOpts',
      });
    }
  });

  test('with the level of the options before its name', () => {
    const opts = { uniqueOpts: { byPeriod: 0 } };
    expect(refusalOf(() => checkInsertOpts(opts, "@JobArgs('sort').")).field).toBe(
      "@JobArgs('sort').uniqueOpts.byPeriod",
    );
  });
});

test('paths of megabytes are checked in linear time', () => {
  const begin = process.cpuUsage();
  expect(check({ byArgs: ['a.'.repeat(500_000) + 'a'] })?.byArgs).toHaveLength(1);
  expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(2_000);
});
