// What is to be reached, in ratios of one run (`over`, `under`: places in the results), differences (`less`),
// or figures themselves.

const ours = (scenario, figure) => [scenario, 'ours', figure];

function p50(scenario, subject, limit) {
  return {
    what: `\`${scenario}\`: p50 of \`ours\` to \`${subject}\``,
    over: ours(scenario, 'p50_ms'),
    under: [scenario, subject, 'p50_ms'],
    ...limit,
  };
}

function p99(scenario) {
  return {
    what: `\`${scenario}\`: p99 of a caller of \`ours\` to \`raw\``,
    over: ours(scenario, 'p99_ms'),
    under: [scenario, 'raw', 'p99_ms'],
    atMost: 1,
  };
}

function rate(scenario, subject, atLeast) {
  return {
    what: `\`${scenario}\`: jobs/s of \`ours\` to \`${subject}\``,
    over: ours(scenario, 'per_second'),
    under: [scenario, subject, 'per_second'],
    atLeast,
  };
}

function toOwn(scenario, other, atMost) {
  return {
    what: `\`${scenario}\`: p50 of \`ours\` to its own in \`${other}\``,
    over: ours(scenario, 'p50_ms'),
    under: ours(other, 'p50_ms'),
    atMost,
  };
}

function memory(scenario, atMost) {
  return {
    what: `\`${scenario}\`: peak memory growth of \`ours\`, MiB`,
    over: ours(scenario, 'rss_growth_mib'),
    atMost,
  };
}

const worked = (scenario, subject = 'ours-worker') => [scenario, subject, 'per_second'];

function workRate(scenario, peer, atLeast, subject) {
  return {
    what: `\`${scenario}\`: jobs/s of \`ours\` to \`${peer}\``,
    over: worked(scenario, subject),
    under: worked(scenario, peer),
    atLeast,
  };
}

/** @param atMost milliseconds */
function startsWithin(figure, peer, atMost) {
  return {
    what: `\`insert_to_start\`: ${figure.slice(0, 3)} of \`ours\` less that of \`${peer}\`, ms`,
    over: ['insert_to_start', 'ours-worker', figure],
    less: ['insert_to_start', peer, figure],
    atMost,
  };
}

export const TARGETS = [
  p50('single', 'raw', { atMost: 1 }),
  ...['typeorm', 'river-go', 'pg-boss', 'graphile-worker'].map((peer) =>
    p50('single', peer, { below: 1 }),
  ),
  p50('single_2ms', 'raw', { atMost: 1.05 }),
  rate('concurrent64', 'raw', 3.5),
  rate('concurrent64', 'river-go', 5),
  rate('concurrent64', 'pg-boss', 12),
  rate('concurrent64', 'graphile-worker', 25),
  p99('concurrent64'),
  rate('concurrent64_2ms', 'river-go', 10),
  p99('concurrent64_2ms'),
  p50('tx', 'raw', { atMost: 1.1 }),
  p50('tx_typeorm', 'typeorm', { atMost: 1.1 }),
  rate('many1000', 'river-go', 1),
  rate('bulk100k', 'raw', 0.95),
  rate('bulk100k', 'river-go', 1),
  memory('bulk100k', 48),
  memory('stream1m', 64),
  toOwn('unique_duplicate', 'unique_new', 0.65),
  toOwn('unique_duplicate', 'single', 0.65),
  { what: '`unique_duplicate`: dead row versions of 10,000', deadRowsOf: 'ours', atMost: 0 },
  toOwn('unique_new', 'single', 1.15),
  toOwn('table5m', 'single', 1.15),
  workRate('drain100k', 'raw-worker', 0.9),
  workRate('drain100k', 'river-go-worker', 1.25),
  workRate('drain100k', 'pg-boss-worker', 1),
  workRate('drain_defaults', 'river-go-worker-defaults', 10, 'ours-worker-defaults'),
  startsWithin('p50_ms', 'raw-worker', 0.5),
  startsWithin('p99_ms', 'river-go-worker', 3),
  {
    what: '`drain1m`: memory growth of `ours` over 1,000,000 jobs, MiB',
    over: ['drain1m', 'ours-worker', 'rss_growth_mib'],
    atMost: 64,
  },
];

/** @returns for each target that was measured: what, its limit, the figures, whether it was reached */
export function judge(results) {
  return TARGETS.flatMap((target) => {
    const figures = figuresOf(results, target);
    return figures === null
      ? []
      : {
          what: target.what,
          limit: limitOf(target),
          figures,
          isReached: reaches(figures.median, target),
        };
  });
}

function figuresOf(results, { over, under, less, deadRowsOf }) {
  if (less !== undefined) return results.difference(over, less);
  if (deadRowsOf !== undefined) {
    const count = results.deadRows(deadRowsOf);
    return count === null ? null : { median: count, min: count, max: count };
  }
  return under === undefined ? results.spread(over) : results.ratio(over, under);
}

function reaches(value, { atMost = Infinity, atLeast = -Infinity, below = Infinity }) {
  return value <= atMost && value >= atLeast && value < below;
}

function limitOf({ atMost, atLeast, below }) {
  if (atMost !== undefined) return `at most ${atMost}`;
  return atLeast !== undefined ? `at least ${atLeast}` : `below ${below}`;
}
