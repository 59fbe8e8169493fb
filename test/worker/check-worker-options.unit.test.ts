import { describe, expect, test } from '@jest/globals';
import { resolveWorkerOptions } from '../../lib/worker/check-worker-options.js';

const resolve = (options: object) => resolveWorkerOptions({ queues: {}, ...options });

describe('the options of a worker', () => {
  test('have defaults, which are those of River but for the time limit of a stop', () => {
    const { clientId, queues, ...options } = resolve({ queues: { default: 5 } });
    expect(queues.get('default')).toEqual({
      maxWorkers: 5,
      fetchCooldownMs: 100,
      pollIntervalMs: 1_000,
    });
    expect(options).toMatchObject({
      enabled: true,
      autoStart: true,
      onlyKnownKinds: true,
      maintenance: 'auto',
      jobTimeoutMs: 60_000,
      stuckAfterMs: 10_000,
      rescueAfterMs: 3_600_000,
      softStopMs: 25_000,
      retention: { completedMs: 86_400_000, cancelledMs: 86_400_000, discardedMs: 604_800_000 },
      connections: { max: 3, listen: true },
    });
    expect(clientId).toMatch(/^[^.]{1,60}_\d{4}_\d\d_\d\dT\d\d_\d\d_\d\d_\d{6}$/);
  });

  test('give two workers of one process ids of their own', () => {
    const ids = new Set(Array.from({ length: 20 }, () => resolve({}).clientId));
    expect(ids.size).toBe(20);
  });

  test('rescue an hour after a time limit that is given', () => {
    expect(resolve({ jobTimeoutMs: 5_000 }).rescueAfterMs).toBe(3_605_000);
    expect(resolve({ jobTimeoutMs: false }).rescueAfterMs).toBe(3_600_000);
  });

  test('poll no more often than the cooldown, where that is longer than a second', () => {
    const { queues } = resolve({ queues: { slow: { maxWorkers: 1, fetchCooldownMs: 5_000 } } });
    expect(queues.get('slow')?.pollIntervalMs).toBe(5_000);
  });

  test.each(['a', 'a_b', 'a-b|c', '0', 'x'.repeat(64)])('take the queue %s', (name) => {
    expect(resolve({ queues: { [name]: 1 } }).queues.has(name)).toBe(true);
  });

  test.each(['', 'A', 'a b', 'a__b', '_a', 'a-', 'a.b', 'x'.repeat(65), 'ä'])(
    'reject the queue "%s"',
    (name) => {
      expect(() => resolve({ queues: { [name]: 1 } })).toThrow('the name of a queue has 1 to 64');
    },
  );

  test.each([
    [{ queues: { a: 10_001 } }, 'queues.a'],
    [{ queues: { a: { fetchCooldownMs: 1 } } }, 'queues.a.maxWorkers'],
    [{ queues: { a: { maxWorkers: 1, pollIntervalMs: 50 } } }, 'queues.a.pollIntervalMs'],
    [{ queues: [] }, 'queues'],
    [{ queues: undefined }, 'queues'],
    [{ maintenance: 'always' }, 'maintenance'],
    [{ clientId: '' }, 'clientId'],
    [{ jobTimeoutMs: 0 }, 'jobTimeoutMs'],
    [{ retention: { completedMs: -1 } }, 'retention.completedMs'],
    [{ middleware: [{}] }, 'middleware[0]'],
    [{ works: { a: 1 } }, 'works.a'],
    [{ connections: { max: 1 } }, 'connections.max'],
  ])('reject %j by its name', (options, field) => {
    expect(() => resolve(options)).toThrow(
      expect.objectContaining({ name: 'RiverConfigurationError', field }),
    );
  });
});
