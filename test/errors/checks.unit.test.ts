import { describe, expect, test } from '@jest/globals';
import {
  boolean,
  callable,
  checkOptions,
  integer,
  listOf,
  milliseconds,
  number,
  object,
  oneOf,
  or,
  refusal,
  reportAs,
  signal,
  type Check,
} from '../../lib/errors/checks.js';
import { InvalidJobError, InvalidParamsError } from '../../lib/errors/invalid-errors.js';

const refuse = refusal(InvalidParamsError, 'RIVER_INVALID_PARAMS', 'call: ');
const CHECKS = { size: integer(1, 4), mode: oneOf('a', 'b', 'c'), inner: object({ on: boolean }) };

const check = (options: unknown) => checkOptions(options, CHECKS, { refuse });

function rejected(run: () => unknown): InvalidParamsError {
  try {
    run();
  } catch (error) {
    return error as InvalidParamsError;
  }
  throw new Error('was accepted');
}

describe('A value that breaks a rule is rejected with its field, its type and the rule', () => {
  test.each<[string, Check<unknown>, unknown, string]>([
    ['an integer', integer(1, 4), 5, 'must be an integer from 1 to 4; got the number 5'],
    ['a fraction', integer(1, 4), 1.5, 'must be an integer from 1 to 4; got a fraction'],
    ['a number', number(0, 1, 'seconds'), NaN, 'must be seconds from 0 to 1; got NaN'],
    [
      'a timer',
      milliseconds(),
      -1,
      'must be whole milliseconds from 0 to 2147483647; got the number -1',
    ],
    [
      'a choice',
      oneOf('a', 'b', 'c'),
      'd',
      "must be 'a', 'b' or 'c'; got a string of 1 characters",
    ],
    ['a boolean', boolean, 'true', 'must be true or false; got a string of 4 characters'],
    [
      'a function',
      callable('a function of x'),
      {},
      'must be a function of x; got an object (Object)',
    ],
    ['a signal', signal, null, 'must be an AbortSignal; got null'],
    ['an object', object(CHECKS), [], 'must be an object; got an array'],
    ['a list', listOf(boolean), {}, 'must be an array; got an object (Object)'],
    ['an alternative', or(false, boolean), null, 'must be true or false; got null'],
  ])('%s', (_name, rule, value, message) => {
    const error = rejected(() => rule(value, 'field', refuse));
    expect(error).toBeInstanceOf(InvalidParamsError);
    expect(error).toMatchObject({ code: 'RIVER_INVALID_PARAMS', field: 'field' });
    expect(error.message).toBe(`call: field: ${message}.`);
  });
});

test('A value that follows its rule is returned', () => {
  expect(integer(1, 4)(4, 'field', refuse)).toBe(4);
  expect(or(null, boolean)(null, 'field', refuse)).toBeNull();
  expect(listOf(boolean)([true, false], 'field', refuse)).toEqual([true, false]);
  expect(check({ size: 1, mode: 'c', inner: { on: true } })).toEqual({
    size: 1,
    mode: 'c',
    inner: { on: true },
  });
});

test('Checked options are a frozen copy without what is undefined', () => {
  const given = { size: 1, mode: undefined };
  const checked = check(given);
  given.size = 9;
  expect(Object.entries(checked)).toEqual([['size', 1]]);
  expect(Object.isFrozen(checked)).toBe(true);
});

test('Options may be accessors of a class', () => {
  class Options {
    get size() {
      return 2;
    }
  }
  expect(check(new Options())).toEqual({ size: 2 });
});

test('A member of an object, and an item of a list, is named by its path', () => {
  expect(rejected(() => check({ inner: { on: 1 } })).field).toBe('inner.on');
  const item = (): unknown => listOf(boolean)([true, 0], 'list', refuse);
  expect(rejected(item).field).toBe('list[1]');
});

test('An option that does not exist is rejected with the names of those that do', () => {
  expect(rejected(() => check({ sise: 1 }))).toMatchObject({
    field: 'sise',
    message: 'call: sise: there is no such option. The options are size, mode, inner.',
  });
  expect(rejected(() => check({ inner: { onn: 1 } })).field).toBe('inner.onn');
  expect(rejected(() => check({ constructor: 1 })).field).toBe('constructor');
});

test('What throws when it is read is rejected with the error as the cause', () => {
  const cause = new Error('hunter2');
  const error = rejected(() =>
    check({
      get size() {
        throw cause;
      },
    }),
  );
  expect(error).toMatchObject({ field: 'options', cause });
  expect(error.message).not.toContain('hunter2');
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(rejected(() => check(proxy)).field).toBe('options');
  expect(rejected(() => check({ inner: proxy })).field).toBe('inner');
});

test('reportAs changes the class and the code of a rejection, and no other error', () => {
  const reported = rejected(() =>
    reportAs(InvalidJobError, 'RIVER_INVALID_OPTION', () => check({ size: 0 })),
  );
  expect(reported).toBeInstanceOf(InvalidJobError);
  expect(reported).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'size' });
  const bug = new TypeError('x');
  const failing = (): never => {
    throw bug;
  };
  expect(rejected(() => reportAs(InvalidJobError, 'RIVER_INVALID_OPTION', failing))).toBe(bug);
});
