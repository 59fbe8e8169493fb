import { describe, expect, test } from '@jest/globals';
import type { JobRow } from 'nestjs-river';
import { attemptError, errorText, faultTrace } from '../../../lib/worker/outcome/attempt-error.js';
import { nextState, type AttemptEnd } from '../../../lib/worker/outcome/next-state.js';
import { complete, snooze } from '../../../lib/worker/outcome/outcome.js';
import { nextRetry } from '../../../lib/worker/outcome/retry-policy.js';

// The table of outcomes is compared with Go's in test/interop/worker-rows; here is what Go does not have.

const NOW = new Date('2026-12-01T00:00:00Z');
const HALF = (): number => 0.5;

function job(fields: Partial<JobRow> = {}): JobRow {
  return { id: '7', attempt: 1, maxAttempts: 3, errors: [], metadata: {}, ...fields } as JobRow;
}

function end(fields: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    abortedBy: undefined,
    abortReason: undefined,
    claimedAt: '0',
    startedAt: NOW,
    endedAt: NOW,
    metadata: new Map(),
    retries: [],
    onError: undefined,
    onFailure: () => undefined,
    random: HALF,
    ...fields,
  };
}

describe('the next state of a job', () => {
  test('an output that JSON cannot hold fails the attempt, and is not stored', () => {
    const outcome = complete({ big: () => undefined });
    const next = nextState(job(), { type: 'returned', outcome }, end());
    expect(next.event).toBe('failed');
    expect(next.setState.metadata).toBeUndefined();
    expect(JSON.parse(next.setState.error ?? '')).toMatchObject({
      error: expect.stringContaining('output.big'),
    });
  });

  test('an output of more than 32 MiB fails the attempt', () => {
    const outcome = complete('x'.repeat(33 * 1024 * 1024));
    const next = nextState(job(), { type: 'returned', outcome }, end());
    expect(next.event).toBe('failed');
    expect(JSON.parse(next.setState.error ?? '')).toMatchObject({
      error: expect.stringContaining('larger than 32 MiB'),
    });
  });

  test('a policy or an onError that throws is reported, and decides nothing', () => {
    const failures: unknown[] = [];
    const fail = (): never => {
      throw new Error('policy');
    };
    const next = nextState(
      job(),
      { type: 'threw', error: new Error('work') },
      end({ retries: [fail], onError: fail, onFailure: (error) => failures.push(error) }),
    );
    expect(failures).toHaveLength(2);
    expect(next.setState).toMatchObject({
      state: 'available',
      scheduledAt: new Date('2026-12-01T00:00:01Z'),
    });
  });

  test('an AbortError with the reason of the stop gives the attempt back', () => {
    const reason = new Error('stop');
    const error = Object.assign(new Error('aborted', { cause: reason }), { name: 'AbortError' });
    const next = nextState(
      job(),
      { type: 'threw', error },
      end({ abortedBy: 'stop', abortReason: reason }),
    );
    expect(next).toMatchObject({
      event: 'interrupted',
      setState: { state: 'available', newAttempt: 0 },
    });
  });

  test.each([-1, Number.NaN, Infinity, '5'])('a snooze of %p is refused', (ms) => {
    expect(() => snooze(ms as number)).toThrow(expect.objectContaining({ field: 'ms' }));
  });
});

describe('the time of the next attempt', () => {
  const at = (fields: Parameters<typeof nextRetry>[2]['policies'], errors = 0): number =>
    nextRetry(job({ errors: Array.from({ length: errors }) }), new Error('x'), {
      policies: fields,
      now: NOW,
      random: HALF,
    }).getTime() - NOW.getTime();

  test.each([
    [0, 1_000],
    [1, 16_000],
    [2, 81_000],
    [23, 331_776_000],
  ])('after %d errors before is %d ms away, without jitter', (errors, ms) => {
    expect(at([], errors)).toBe(ms);
  });

  test('is never beyond what Postgres holds', () => {
    const latest = Date.UTC(9999, 11, 31) - NOW.getTime();
    expect(at([], 32_000)).toBeLessThanOrEqual(latest);
    expect(at([() => Infinity])).toBe(latest);
  });

  test('is that of the first policy with an opinion, and the default where that is past', () => {
    expect(at([() => undefined, () => 5_000])).toBe(5_000);
    expect(at([() => new Date(NOW.getTime() + 7), () => 5_000])).toBe(7);
    expect(at([() => -1, () => 5_000])).toBe(1_000);
  });
});

describe('the error of an attempt', () => {
  test('holds nothing that jsonb cannot', () => {
    const element = JSON.parse(attemptError({ at: NOW, attempt: 2 }, 'a\0b\ud800c')) as object;
    expect(element).toEqual({
      at: NOW.toISOString(),
      attempt: 2,
      error: 'a\ufffdb\ufffdc',
      trace: '',
    });
  });

  test.each([
    [new Error('text'), 'text'],
    [new RangeError(''), 'RangeError'],
    ['thrown text', 'thrown text'],
    [Object.assign(new Error(), { message: ['a', 'b'] }), 'a,b'],
    [undefined, 'undefined'],
    [Object.create(null), 'the attempt threw a value that cannot be shown as text'],
  ])('of %p has a text', (error, text) => {
    expect(errorText(error)).toBe(text);
  });

  test('has a trace only where JavaScript itself has thrown it', () => {
    expect(faultTrace(new TypeError('x'))).toMatch(/^ {4}at /);
    expect(faultTrace(new Error('x'))).toBe('');
    expect(faultTrace(new (class Own extends TypeError {})('x'))).toBe('');
  });
});
