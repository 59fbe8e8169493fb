import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compareParams } from './support/compare-params.js';
import { GoClient } from './support/go-client.js';
import type { JobCase, TagTree, UniqueCase } from './support/job-case.js';
import { describeWithGo } from './support/toolchain.js';

const tag = { tagged: true };
const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const REQUIRED = ['available', 'pending', 'running', 'scheduled'];

/** Args that count whole. */
const ALL_ARGS: Record<string, JobCase['args']> = {
  'no args': { value: {} },
  'keys in another order': { value: { zebra: 1, apple: { z: 1, a: 2 } } },
  'keys that sort otherwise in UTF-16': { value: { '\u{1F600}': 1, '\uE000': 2, z: 3 } },
  'keys of digits': { value: { 10: 'a', 9: 'b', '01': 'c', a: 'd' } },
  'keys with HTML letters': { value: { '<k>': 1, '<é>': 2, 'a&b': 3 } },
  'nested keys with HTML letters': { value: { a: { '<k>': '<v>' } } },
  'keys with quotes and controls': {
    value: { '"': 1, '\\': 2, '\n': 3, '\u007f': 4, '\u2028': 5 },
  },
  'an empty key': { value: { '': 1, a: 2 } },
  '__proto__ as a key': { value: JSON.parse('{"__proto__":{"a":1}}') as object },
  'values with HTML letters': { value: { a: '<>&\u2028\u2029', b: ['<'] } },
  'control characters': { value: { a: '\b\t\n\f\r\u0001\u001f\u007f/' } },
  'letters of every plane': { value: { a: 'é\uE000\u{1F600}\uFFFD\u{10FFFF}' } },
  'numbers as JavaScript writes them': { value: { a: [1e20, 1e21, 1e-6, 1e-7, 5e-324, 0.1] } },
  'minus zero': { value: { a: -0, b: [-0] } },
  'integers beyond 2^53': { value: { a: 12345678901234567890n } },
  'null, arrays and empty objects': { value: { a: null, b: [], c: {}, d: [null, [{}]] } },
  'raw text with a repeated key': { text: '{"a":1,"b":2,"a":3}' },
  'raw text with spaces and escapes': { text: '{ "b" : 1.0 , "\\u0061" : "\\u0041\\/" }' },
};

const NESTED = {
  customer: { id: 'c1', name: 'N', address: { city: 'Metz' } },
  batch: 3,
  note: 'n',
};

/** Args of which some count. */
const SELECTED: Record<string, { value: object; tags: TagTree }> = {
  'one of them': { value: NESTED, tags: { batch: tag } },
  'at three depths': {
    value: NESTED,
    tags: {
      batch: tag,
      customer: {
        tagged: false,
        inside: { id: tag, address: { tagged: false, inside: { city: tag } } },
      },
    },
  },
  'an object whole': {
    value: NESTED,
    tags: { customer: { tagged: true, inside: { x: { tagged: false } } } },
  },
  'a tag that yields to one inside': {
    value: NESTED,
    tags: { customer: { tagged: true, inside: { id: tag } } },
  },
  'absent ones left out': { value: { a: 1 }, tags: { a: tag, b: tag } },
  'an explicit null': { value: { a: null }, tags: { a: tag } },
  'none found': { value: { a: 1 }, tags: { b: tag } },
  'a path through null': {
    value: { a: null, b: 1 },
    tags: { a: { tagged: false, inside: { x: tag } }, b: tag },
  },
  'a dotted key beside a path of the same name': {
    value: { 'a.b': 1, a: { b: 2 } },
    tags: { 'a.b': tag, a: { tagged: false, inside: { b: tag } } },
  },
  'keys that look like path syntax': {
    value: { ':x': 1, '@this': 2, 'a*': 3, '#': 4, '!': 5, '|': 6, '~': 7, '\\': 8 },
    tags: { ':x': tag, '@this': tag, 'a*': tag, '#': tag, '!': tag, '|': tag, '~': tag, '\\': tag },
  },
  'keys that Go escapes': { value: { '<k>': 1, '<é>': '<v>' }, tags: { '<k>': tag, '<é>': tag } },
  'a first key of digits': { value: { 0: 'v', a: 1 }, tags: { 0: tag } },
  'keys of digits with a gap': { value: { 1: 'v', 3: 'w' }, tags: { 1: tag, 3: tag } },
  'a key of digits after another': { value: { 0: 'v', '!': 1 }, tags: { 0: tag, '!': tag } },
  'a first key of digits before another': { value: { 0: 'v', a: 1 }, tags: { 0: tag, a: tag } },
  'a nested first key of digits': {
    value: { a: { 1: 'v' } },
    tags: { a: { tagged: false, inside: { 1: tag } } },
  },
  'an object in the gap before a position': {
    value: { 10: 'v', 2: { x: 1 } },
    tags: { 10: tag, 2: { tagged: false, inside: { x: tag } } },
  },
  '-1 at the top': { value: { '-1': 'v' }, tags: { '-1': tag } },
  '-1 below the top': {
    value: { a: { '-1': 'v' } },
    tags: { a: { tagged: false, inside: { '-1': tag } } },
  },
};

/** The other dimensions, alone and together. */
const DIMENSIONS: Record<string, Partial<JobCase> & { unique: UniqueCase }> = {
  'nothing is not unique': { unique: {} },
  'nothing but false is not unique': { unique: { byQueue: false, excludeKind: false } },
  'the queue': { unique: { byQueue: true } },
  'another queue': { queue: 'slow', unique: { byQueue: true } },
  'an empty list of states alone': { unique: { byState: [] } },
  'the required states': { unique: { byArgs: true, byState: REQUIRED } },
  'states in another order, repeated': {
    unique: { byState: [...REQUIRED, 'retryable', ...REQUIRED].reverse() },
  },
  'all states': {
    unique: { byState: [...REQUIRED, 'cancelled', 'completed', 'discarded', 'retryable'] },
  },
  'an unknown state': { unique: { byState: [...REQUIRED, 'done'] } },
  'no kind, by args': { unique: { byArgs: true, excludeKind: true } },
  'no kind, by queue': { unique: { byQueue: true, excludeKind: true } },
  'no kind, by period': { unique: { byPeriodMs: DAY, excludeKind: true } },
  'no kind and nothing else': { unique: { excludeKind: true } },
  'no kind and states': { unique: { excludeKind: true, byState: [] } },
  'all at once': {
    queue: 'slow',
    unique: { byArgs: true, byPeriodMs: DAY, byQueue: true, byState: REQUIRED, excludeKind: true },
  },
};

const PERIODS = [
  ...[SECOND, 1_001, 1_500, 15 * 60 * SECOND, 5_400 * SECOND, DAY, 7 * DAY, 30 * DAY, 365 * DAY],
  // As a product in floating point this is a nanosecond too long.
  8_478_164_950,
  ...[999, -DAY],
];

/** The scheduled time decides the period; without one, now. */
const TIMES = [
  undefined,
  ...['2026-11-23T00:00:00Z', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z'],
  ...['0001-01-01T00:00:00.001Z', '0000-06-01T12:00:00Z', '-001000-03-01T00:00:00Z'],
  ...['9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00Z', '+275760-09-13T00:00:00Z'],
];

describeWithGo('a unique key', () => {
  let go: GoClient;

  beforeAll(async () => {
    go = await GoClient.start();
  }, 300_000);

  afterAll(async () => {
    await go.close();
  });

  test.each(Object.entries(ALL_ARGS))('of all args: %s', async (_name, args) => {
    const job: JobCase = { kind: 'sort', args, unique: { byArgs: true } };
    expect(await compareParams(go, job)).toBe('agreed, unique');
  });

  test.each(Object.entries(SELECTED))('of selected args: %s', async (name, { value, tags }) => {
    const job: JobCase = { kind: 'sort', args: { value }, unique: { byArgs: tags } };
    const refused = name === 'a first key of digits before another';
    expect(await compareParams(go, job)).toBe(refused ? 'refused by both' : 'agreed, unique');
  });

  test.each(Object.entries(DIMENSIONS))('of %s', async (_name, job) => {
    await compareParams(go, { kind: 'sort', args: { value: { a: 1 } }, ...job });
  });

  test.each(TIMES)('of every period, scheduled at %s', async (iso) => {
    for (const byPeriodMs of PERIODS) {
      await compareParams(go, {
        kind: 'sort',
        args: { value: {} },
        scheduledAt: iso === undefined ? undefined : new Date(iso),
        unique: { byPeriodMs },
      });
    }
  });
});
