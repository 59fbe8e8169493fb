// The results as Markdown: tables that are read in a terminal as well.
import { SCENARIOS } from './scenarios.mjs';
import { SUBJECTS } from './subjects.mjs';
import { judge } from './targets.mjs';

const COLUMNS = {
  p50_ms: ['p50, ms', 3],
  p99_ms: ['p99, ms', 3],
  per_second: ['jobs/s', 0],
  rss_growth_mib: ['memory growth, MiB', 0],
};

/** The tables, one per scenario, and then that of the targets. */
export function tables(results) {
  const parts = results
    .scenarios()
    .flatMap((name) => [`### \`${name}\`: ${SCENARIOS[name].what}`, scenarioTable(results, name)]);
  return [...parts, '### Targets', targetTable(results)].join('\n\n');
}

function scenarioTable(results, scenario) {
  const subjects = results.subjects(scenario);
  const figures = Object.keys(COLUMNS).filter((figure) =>
    subjects.some((subject) => results.spread([scenario, subject, figure]) !== null),
  );
  const countsDead =
    scenario === 'unique_duplicate' &&
    subjects.some((subject) => results.deadRows(subject) !== null);
  const head = [
    'subject',
    ...figures.map((figure) => COLUMNS[figure][0]),
    `${COLUMNS[SCENARIOS[scenario].main][0].replace(', ms', '')} to \`raw\``,
    ...(countsDead ? ['dead rows of 10,000'] : []),
  ];
  const rows = subjects.map((subject) => [
    `\`${subject}\``,
    ...figures.map((figure) =>
      range(results.spread([scenario, subject, figure]), COLUMNS[figure][1]),
    ),
    range(results.ratioToRaw(scenario, subject), 2),
    ...(countsDead ? [grouped(results.deadRows(subject), 0)] : []),
  ]);
  return table(head, rows, 1);
}

function targetTable(results) {
  const rows = judge(results).map(({ what, limit, figures, isReached }) => [
    what,
    limit,
    range(figures, figures.median >= 20 ? 0 : 2),
    isReached ? 'reached' : '**not reached**',
  ]);
  return table(['what', 'limit', 'measured', ''], rows);
}

/** Median, and in brackets the smallest and the largest. */
export function range(figures, digits) {
  if (figures === null) return '–';
  const [median, min, max] = [figures.median, figures.min, figures.max].map((value) =>
    grouped(value, digits),
  );
  return min === max ? median : `${median} (${min}..${max})`;
}

function grouped(value, digits) {
  if (value === null) return '–';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** @param texts how many columns, from the left, are no figures; all of them by default */
function table(head, rows, texts = head.length) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [head, head.map((_, column) => (column < texts ? '---' : '--:')), ...rows]
    .map(line)
    .join('\n');
}

/** RESULTS.md. `facts` are pairs of a name and a text. */
export function resultsFile(results, facts) {
  const calls = Object.entries(SUBJECTS).map(([name, { call }]) => [`\`${name}\``, call]);
  return `# Results of the benchmark

Written by \`npm run bench\`. Each figure is the median of the rounds, with the smallest and the largest in brackets. A ratio is taken within each round; the median of those is shown. Where \`p50\` is compared, less is better; where jobs/s are, more.

![Chart of the results](results.svg)

## Where

${table(['', ''], facts)}

## What each subject calls

All insert the same job, from a pool of 10 connections, each in a process of its own, one at a time. Before each measurement its tables are emptied, it warms up, and the server writes a checkpoint. After it the jobs in the table are counted: all that were reported are there.

${table(['subject', 'calls'], calls)}

## Figures

${tables(results)}
`;
}
