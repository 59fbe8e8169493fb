import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { JOB_STATES } from '../../lib/job/row/job-state.js';
import { statesOfBits } from '../../lib/insert/unique/unique-key.js';
import { jobArgs } from '../../lib/job/job-args.js';
import { keyOf } from './key-text.js';

const ARGS = jobArgs('sort', { strings: ['whale', 'tiger', 'bear'] });
const key = (uniqueOpts: object, opts: object = {}) => keyOf(ARGS, { ...opts, uniqueOpts });

const ARGS_TEXT = '&args={"strings":["whale","tiger","bear"]}';
const PERIOD_TEXT = '&period=2026-11-21T10:00:00Z';

describe('a unique key', () => {
  test.each([
    ['byArgs', { byArgs: true }, '7631da30ce3c'],
    [
      'byState alone',
      { byState: ['available', 'pending', 'running', 'scheduled'] },
      'e65ea4ac25a2',
    ],
    ['an empty byState alone', { byState: [] }, 'e65ea4ac25a2'],
    ['byQueue', { byQueue: true }, '99fdaffdd11e'],
  ])('by %s begins as the one that Go computes', (_name, uniqueOpts, begins) => {
    expect(key(uniqueOpts).hash.toString('hex').slice(0, 12)).toBe(begins);
    expect(key(uniqueOpts).hash).toHaveLength(32);
  });

  test.each([
    [{ byArgs: true }, `&kind=sort${ARGS_TEXT}`],
    [{ byQueue: true }, '&kind=sort&queue=default'],
    [{ byPeriod: 900 }, `&kind=sort${PERIOD_TEXT}`],
    [{ byState: [] }, '&kind=sort'],
    [{ byQueue: true, excludeKind: true }, '&queue=default'],
    [{ byArgs: true, excludeKind: true }, ARGS_TEXT],
    [{ byArgs: ['missing'] }, '&kind=sort&args='],
    [
      { byQueue: true, byPeriod: 900, byArgs: true, byState: JOB_STATES },
      `&kind=sort${ARGS_TEXT}${PERIOD_TEXT}&queue=default`,
    ],
  ])('by %j is the hash of its parts in order', (uniqueOpts, text) => {
    expect(key(uniqueOpts).text).toBe(text);
    expect(key(uniqueOpts).hash).toEqual(createHash('sha256').update(text).digest());
  });

  test('has the effective queue, of whatever level', () => {
    expect(key({ byQueue: true }, { queue: 'slow' }).text).toBe('&kind=sort&queue=slow');
    expect(key({ byQueue: true }, { queue: null }).text).toBe('&kind=sort&queue=default');
  });

  test('is of the UTF-8 bytes of its text', () => {
    const args = jobArgs('é&kind=ü', { '😀': '\u00e9' });
    const text = '&kind=é&kind=ü&args={"😀":"é"}';
    expect(keyOf(args, { uniqueOpts: { byArgs: true } }).hash).toEqual(
      createHash('sha256').update(Buffer.from(text, 'utf8')).digest(),
    );
  });

  test('has the period of scheduledAt, and of the time that a delay leads to', () => {
    const at = { scheduledAt: new Date('2026-11-21T23:59:59.999Z') };
    expect(key({ byPeriod: 3600 }, at).text).toBe('&kind=sort&period=2026-11-21T23:00:00Z');
    expect(key({ byPeriod: 3600 }, { delay: 3_600_000 }).text).toBe(
      '&kind=sort&period=2026-11-21T11:00:00Z',
    );
    expect(key({ byPeriod: 3600 }, { ...at, pending: true }).text).toBe(
      '&kind=sort&period=2026-11-21T23:00:00Z',
    );
  });
});

describe('the states of a unique key', () => {
  const required = ['available', 'pending', 'running', 'scheduled'];

  test('are by default all but discarded and cancelled', () => {
    expect(key({ byArgs: true }).stateBits).toBe('11110101');
    expect(key({ byArgs: true, byState: [] }).stateBits).toBe('11110101');
  });

  test('are those given, in any order and with repeats', () => {
    expect(key({ byState: required }).stateBits).toBe('11010001');
    expect(key({ byState: [...required, ...required].reverse() }).stateBits).toBe('11010001');
    expect(key({ byState: JOB_STATES }).stateBits).toBe('11111111');
  });

  test.each([
    ['retryable', '11110001'],
    ['discarded', '11011001'],
    ['completed', '11010101'],
    ['cancelled', '11010011'],
  ])('have their own bit for %s', (state, bits) => {
    expect(key({ byState: [...required, state] }).stateBits).toBe(bits);
  });

  test('do not enter the hash', () => {
    expect(key({ byArgs: true, byState: JOB_STATES }).hash).toEqual(key({ byArgs: true }).hash);
  });

  test('are read back from the bits', () => {
    expect(statesOfBits('11110101')).toEqual([
      'scheduled',
      'running',
      'retryable',
      'pending',
      'completed',
      'available',
    ]);
    expect(statesOfBits('00000000')).toEqual([]);
  });
});
