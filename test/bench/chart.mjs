// The chart of the results: bars per scenario, each scenario on a scale of its own.
import { SUBJECTS } from './subjects.mjs';

const WIDTH = 860;
const COLUMN = { width: 420, names: 128, values: 92 };
const LINE = 18;
const TITLE = 26;
const GAP = 16;

const CHARTED = {
  single: 'One insert after another',
  single_2ms: 'One insert after another, 2 ms away',
  concurrent64: '64 callers at once',
  concurrent64_2ms: '64 callers at once, 2 ms away',
  tx: 'Transaction with a business row',
  unique_duplicate: 'Duplicate of a unique job',
  many1000: '1,000 jobs in a call',
  bulk100k: '100,000 jobs at once',
};

/** Light, and dark where the viewer is. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .unit, .value { fill: #59636e }
  rect { fill: #afb8c1 }
  .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .unit, .value { fill: #9198a1 }
    rect { fill: #57606a }
    .ours { fill: #4493f8 }
  }`;

export function drawChart(results) {
  const heights = [0, 0];
  const panels = Object.entries(CHARTED).flatMap(([scenario, title]) => {
    const bars = barsOf(results, scenario);
    if (bars.length === 0) return [];
    const column = heights[0] <= heights[1] ? 0 : 1;
    const top = heights[column];
    heights[column] += TITLE + bars.length * LINE + GAP;
    const x = column * (WIDTH - COLUMN.width);
    return `<g transform="translate(${x} ${top})">${panel(title, results.mainFigure(scenario), bars)}</g>`;
  });
  const height = Math.max(...heights);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Results of the benchmark">
<style>${STYLE}
</style>
${panels.join('\n')}
</svg>
`;
}

function barsOf(results, scenario) {
  const figure = results.mainFigure(scenario);
  return Object.entries(SUBJECTS).flatMap(([subject, { label }]) => {
    const figures = results.spread([scenario, subject, figure]);
    return figures === null ? [] : { subject, label, value: figures.median };
  });
}

function panel(title, figure, bars) {
  const isTime = figure === 'p50_ms';
  const unit = isTime ? 'ms, p50: shorter is better' : 'jobs/s: longer is better';
  const longest = Math.max(...bars.map(({ value }) => value));
  const room = COLUMN.width - COLUMN.names - COLUMN.values;
  const lines = bars.map(({ subject, label, value }, index) => {
    const y = TITLE + index * LINE;
    const length = Math.max(1, (room * value) / longest).toFixed(1);
    const text = isTime ? value.toFixed(2) : Math.round(value).toLocaleString('en-US');
    const end = COLUMN.names + Number(length) + 6;
    return `
<text x="${COLUMN.names - 8}" y="${y + 12}" text-anchor="end">${label}</text>
<rect class="${subject === 'ours' ? 'ours' : 'other'}" x="${COLUMN.names}" y="${y + 2}" width="${length}" height="${LINE - 5}" rx="2"/>
<text class="value" x="${end}" y="${y + 12}">${text}</text>`;
  });
  return `<text class="title" x="0" y="14">${title}<tspan class="unit" dx="8" font-weight="400">${unit}</tspan></text>${lines.join('')}`;
}
