import { describe, expect, test } from '@jest/globals';
import { topOf } from './profile.mjs';
import { tables } from './report.mjs';
import { Results, type Figures } from './results.mjs';
import { quantile, spread } from './statistics.mjs';
import { judge } from './targets.mjs';

const MAIN = { single: 'p50_ms', concurrent64: 'per_second', bulk100k: 'per_second' };

/** Results with a figure per round; the others mean nothing. */
function resultsOf(
  values: Record<string, Record<string, readonly number[]>>,
  figure: keyof Figures = 'p50_ms',
): Results {
  const results = new Results(MAIN);
  const nothing = { p50_ms: null, p99_ms: null, per_second: 1000, rss_growth_mib: null };
  for (const [scenario, subjects] of Object.entries(values)) {
    for (const [subject, rounds] of Object.entries(subjects)) {
      rounds.forEach((value, round) =>
        results.record({ scenario, subject, round }, { ...nothing, [figure]: value }),
      );
    }
  }
  return results;
}

describe('quantile', () => {
  test.each([
    [0.5, [3, 1, 2], 2],
    [0.5, [4, 1, 3, 2], 2],
    [0.99, Array.from({ length: 100 }, (_, index) => 100 - index), 99],
    [0.99, [7], 7],
    // By size, not by spelling.
    [0.5, [10, 9, 100], 10],
    [0.5, [], null],
  ])('%d of %j', (q, values, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });
});

test('a spread is of the rounds that were measured; an even number has the middle of two', () => {
  expect(spread([4, null, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(spread([null])).toBeNull();
});

describe('a ratio', () => {
  test('is the median of those within each round, not the ratio of the medians', () => {
    const results = resultsOf({ single: { ours: [1, 20, 300], raw: [1, 10, 200] } });
    const ratio = results.ratio(['single', 'ours', 'p50_ms'], ['single', 'raw', 'p50_ms']);
    expect(ratio).toEqual({ median: 1.5, min: 1, max: 2 });
  });

  test('is of the rounds that both were measured in', () => {
    const results = resultsOf({ single: { ours: [2, 6], raw: [1] } });
    const ratio = results.ratio(['single', 'ours', 'p50_ms'], ['single', 'raw', 'p50_ms']);
    expect(ratio).toEqual({ median: 2, min: 2, max: 2 });
    expect(results.ratio(['single', 'ours', 'p50_ms'], ['single', 'typeorm', 'p50_ms'])).toBeNull();
  });
});

test('as JSON: per scenario and subject the medians, null for what means nothing', () => {
  const results = resultsOf({ single: { ours: [0.3, 0.31, 0.29], raw: [0.4, 0.4, 0.4] } });
  expect(JSON.parse(JSON.stringify(results))).toEqual({
    scenarios: {
      single: {
        ours: {
          p50_ms: 0.3,
          p99_ms: null,
          per_second: 1000,
          rss_growth_mib: null,
          ratio_to_raw: 0.75,
        },
        raw: {
          p50_ms: 0.4,
          p99_ms: null,
          per_second: 1000,
          rss_growth_mib: null,
          ratio_to_raw: 1,
        },
      },
    },
  });
});

describe('the targets', () => {
  const judged = (results: Results): Record<string, boolean> =>
    Object.fromEntries(judge(results).map(({ what, isReached }) => [what, isReached]));

  test('only those that were measured are judged; a limit itself is reached, being equal to a peer not', () => {
    const rounds = [1, 1, 1];
    const results = resultsOf({ single: { ours: rounds, raw: rounds, 'river-go': rounds } });
    expect(judged(results)).toEqual({
      '`single`: p50 of `ours` to `raw`': true,
      '`single`: p50 of `ours` to `river-go`': false,
    });
  });

  test('by jobs per second, more is better', () => {
    const rates = { concurrent64: { ours: [36_000], raw: [10_000], 'river-go': [7_300] } };
    expect(judged(resultsOf(rates, 'per_second'))).toEqual({
      '`concurrent64`: jobs/s of `ours` to `raw`': true,
      '`concurrent64`: jobs/s of `ours` to `river-go`': false,
    });
  });

  test('memory and dead rows have limits of their own', () => {
    const results = resultsOf({ bulk100k: { ours: [47, 49, 50] } }, 'rss_growth_mib');
    results.recordDeadRows('ours', 1);
    expect(judged(results)).toEqual({
      '`bulk100k`: peak memory growth of `ours`, MiB': false,
      '`unique_duplicate`: dead row versions of 10,000': false,
    });
  });
});

test('a table shows medians with their spread, and what was not measured not at all', () => {
  const text = tables(resultsOf({ single: { ours: [0.5, 0.25, 0.75], raw: [0.5, 0.5, 0.5] } }));
  expect(text).toContain('| subject | p50, ms | jobs/s | p50 to `raw` |');
  expect(text).toContain('| `ours` | 0.500 (0.250..0.750) | 1,000 | 1.00 (0.50..1.50) |');
  expect(text).toContain('| `raw` | 0.500 | 1,000 | 1.00 |');
});

const FILE = 'file:///somewhere/node_modules/pg/lib/x.js';

test('a profile: the time inside of the window, by function, without the idle time', () => {
  const node = (id: number, functionName: string) => ({
    id,
    callFrame: { functionName, url: functionName === '(idle)' ? '' : FILE, lineNumber: 9 },
  });
  const nodes = [node(1, 'load'), node(2, 'insert'), node(3, '(idle)'), node(4, 'insert')];
  const samples = [1, 2, 3, 4, 1];
  const timeDeltas = [0, 1000, 100, 200, 300];
  const [busy, ...top] = topOf({ nodes, samples, timeDeltas, startTime: 0 }, [1000, 1500]);
  expect(busy).toContain('66.7 %');
  expect(top).toEqual(['100.0 %  insert  node_modules/pg/lib/x.js:10']);
});
