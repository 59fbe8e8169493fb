// What was measured: per scenario and subject, a value of each figure per round.
import { spread } from './statistics.mjs';

export const FIGURES = ['p50_ms', 'p99_ms', 'per_second', 'rss_growth_mib'];

/** `pg` by hand, that inserts and that works. */
const RAW = ['raw', 'raw-worker'];

export class Results {
  #values = new Map();
  #deadRows = new Map();
  #mainFigures;

  /** @param mainFigures of each scenario, the figure by which subjects are compared */
  constructor(mainFigures) {
    this.#mainFigures = mainFigures;
  }

  /** @param figures of one round; null for those that mean nothing in this scenario */
  record({ scenario, subject, round }, figures) {
    for (const figure of FIGURES) {
      const values = this.values([scenario, subject, figure]);
      values[round] = figures[figure];
      this.#values.set([scenario, subject, figure].join(), values);
    }
  }

  /** Dead row versions that 10,000 duplicates left behind. */
  recordDeadRows(subject, count) {
    this.#deadRows.set(subject, count);
  }

  deadRows(subject) {
    return this.#deadRows.get(subject) ?? null;
  }

  /** @returns one value per round; none where nothing was measured */
  values([scenario, subject, figure]) {
    return this.#values.get([scenario, subject, figure].join()) ?? [];
  }

  spread(place) {
    return spread(this.values(place));
  }

  /**
   * How many times `under` is `over`, round by round, since what disturbs a machine disturbs the
   * measurements of the same minute alike.
   *
   * @returns median, smallest and largest of the ratios; null when there are none
   */
  ratio(over, under) {
    const unders = this.values(under);
    const ratios = this.values(over).map((value, round) =>
      value == null || !unders[round] ? null : value / unders[round],
    );
    return spread(ratios);
  }

  /** How much more `over` is than `under`, round by round, as {@link ratio}. */
  difference(over, under) {
    const unders = this.values(under);
    const differences = this.values(over).map((value, round) =>
      value == null || unders[round] == null ? null : value - unders[round],
    );
    return spread(differences);
  }

  /** The figure by which subjects are compared. */
  mainFigure(scenario) {
    return this.#mainFigures[scenario];
  }

  ratioToRaw(scenario, subject) {
    const figure = this.mainFigure(scenario);
    const raw = this.subjects(scenario).find((name) => RAW.includes(name)) ?? RAW[0];
    return this.ratio([scenario, subject, figure], [scenario, raw, figure]);
  }

  rounds() {
    return Math.max(0, ...[...this.#values.values()].map((values) => values.length));
  }

  scenarios() {
    return this.#parts(0);
  }

  subjects(scenario) {
    return this.#parts(1, scenario);
  }

  #parts(index, scenario) {
    const places = [...this.#values.keys()].map((key) => key.split(','));
    const wanted = places.filter(([first]) => scenario === undefined || first === scenario);
    return [...new Set(wanted.map((place) => place[index]))];
  }

  /** What `--json` writes: medians, and null for what was not measured. */
  toJSON() {
    const entries = (keys, make) => Object.fromEntries(keys.map((key) => [key, make(key)]));
    const scenarios = entries(this.scenarios(), (scenario) =>
      entries(this.subjects(scenario), (subject) => ({
        ...entries(FIGURES, (figure) => rounded(this.spread([scenario, subject, figure]))),
        ratio_to_raw: rounded(this.ratioToRaw(scenario, subject)),
      })),
    );
    return { scenarios };
  }
}

function rounded(figures) {
  return figures === null ? null : Number(figures.median.toPrecision(5));
}
