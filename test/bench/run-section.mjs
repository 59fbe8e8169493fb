// Runs the rounds of a section: its scenarios in turn, and in each of them the subjects in turn.
import { openDistance } from './distance.mjs';
import { watchMemory } from './memory.mjs';
import { FILLED_TABLES, SCENARIOS, SMALLEST_TABLE } from './scenarios.mjs';
import { quantile } from './statistics.mjs';
import { SubjectProcess } from './subject-process.mjs';
import { SUBJECTS, takesPart } from './subjects.mjs';

const DUPLICATES = 10_000;
const WORKED_BEFORE = 100_000;

/**
 * @param bench `database`, `commandOf`, `subjects`, `rounds`, `results`, `runtimes`, `say`
 * @param until seconds from the start of this process after which no round is begun but the first two
 * @returns milliseconds of the distance to the server, as measured; nothing beside it
 */
export async function runSection(section, bench, until) {
  const { database, rounds, results, say } = bench;
  const distance = section.distanceMs && (await openDistance(database.url, section.distanceMs));
  if (distance) say(`A round trip is ${distance.measuredMs.toFixed(2)} ms longer by the proxy.`);
  const crew = new Crew(bench, section, distance?.url ?? database.url);
  try {
    for (let round = 0; round < rounds; round++) {
      if (round >= 2 && performance.now() > until * 1000) break;
      for (const [name, scenario] of Object.entries(section.scenarios)) {
        for (const subject of turns(bench.subjects, round)) {
          if (!takesPart(subject, name, scenario)) continue;
          const figures = await crew.step(subject, scenario, round);
          if (figures === undefined) continue;
          results.record({ scenario: name, subject, round }, figures);
          say(`${section.name}, round ${round + 1}: ${name} ${subject} ${told(figures)}`);
        }
      }
    }
  } finally {
    await crew.end();
    await distance?.close();
  }
  return distance?.measuredMs;
}

/** Another one begins each round, so that being first or last is nobody's lot. */
function turns(names, round) {
  const first = round % names.length;
  return [...names.slice(first), ...names.slice(0, first)];
}

class Crew {
  #processes = new Map();
  #bench;
  #section;
  #url;

  constructor(bench, section, url) {
    this.#bench = bench;
    this.#section = section;
    this.#url = url;
  }

  /** @returns the figures; undefined if the subject cannot do what is measured */
  async step(subject, scenario, round) {
    const process = await this.#processOf(subject);
    try {
      if (!process.operations.includes(scenario.request.op)) return undefined;
      const step = scenario.works ? measureWork : measureStep;
      return await step(this.#bench.database, { process, subject, scenario, round });
    } finally {
      if (this.#section.fresh) await this.#leave(subject);
    }
  }

  async #processOf(subject) {
    const running = this.#processes.get(subject);
    if (running !== undefined) return running;
    const process = await SubjectProcess.start(subject, this.#bench.commandOf(subject, this.#url));
    this.#bench.runtimes.add(process.runtime);
    this.#processes.set(subject, process);
    return process;
  }

  async #leave(subject) {
    const process = this.#processes.get(subject);
    this.#processes.delete(subject);
    await process?.end();
  }

  async end() {
    await Promise.all([...this.#processes.keys()].map((subject) => this.#leave(subject)));
  }
}

async function measureStep(database, { process, subject, scenario, round }) {
  const { request, first, measured, table, tellsMemory } = scenario;
  const warmUp = round === 0 && first !== undefined ? first : scenario.warmUp;
  const { store } = SUBJECTS[subject];
  await prepare(database, { table, store });
  if (request.keys !== undefined) await process.ask({ ...request, limit: request.keys });
  const watch = tellsMemory ? await watchFrom(process, request) : { jobs: 0, grown: () => null };
  const before = await process.ask({ ...request, ...warmUp });
  await process.ask({ op: 'settle' });
  await database.checkpoint();
  const { latencies, elapsedMs, jobs } = await process.ask({ ...request, ...measured });
  const rss = watch.grown();
  if (table === undefined) {
    const expected = request.keys ?? watch.jobs + before.jobs + jobs;
    const stored = await database.count(store.jobs);
    if (stored !== expected) throw new Error(`${subject}: ${stored} jobs stored, not ${expected}`);
  }
  const isOneCall = measured.limit === 1;
  return {
    p50_ms: isOneCall ? null : quantile(latencies, 0.5),
    p99_ms: isOneCall ? null : quantile(latencies, 0.99),
    per_second: (jobs / elapsedMs) * 1000,
    rss_growth_mib: rss,
  };
}

/** Works what was inserted before. The worker starts in the time that is taken. */
async function measureWork(database, { process, subject, scenario }) {
  const { request, tellsMemory } = scenario;
  const { store } = SUBJECTS[subject];
  await database.empty(store.emptied);
  // Memory grows from where it is once as many jobs as in the other scenarios have been worked.
  if (tellsMemory) {
    await process.ask({ op: 'fill', batch: WORKED_BEFORE });
    await process.ask({ ...request, batch: WORKED_BEFORE });
  }
  if (request.batch !== undefined) await process.ask({ op: 'fill', batch: request.batch });
  await process.ask({ op: 'settle' });
  await database.checkpoint();
  const memory = tellsMemory ? watchMemory(process.pid) : () => null;
  const { latencies, elapsedMs, jobs } = await process.ask(request);
  if (request.seconds === undefined && request.batch !== undefined && jobs !== request.batch) {
    throw new Error(`${subject}: ${jobs} jobs worked, not ${request.batch}`);
  }
  return {
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    per_second: (jobs / elapsedMs) * 1000,
    rss_growth_mib: memory(),
  };
}

/** Memory grows from where it is once the subject is connected, before it has done anything big. */
async function watchFrom(process, request) {
  const { jobs } = await process.ask({ ...request, batch: 1, limit: 1 });
  await process.ask({ op: 'settle' });
  return { jobs, grown: watchMemory(process.pid) };
}

async function prepare(database, { table, store }) {
  if (table === undefined) await database.empty(store.emptied);
  else if (table === SMALLEST_TABLE) await database.fill(table, FILLED_TABLES[table]);
}

/** Counts what {@link DUPLICATES} duplicates of each subject leave behind. */
export async function countDeadRows(bench) {
  for (const subject of bench.subjects) {
    if (!takesPart(subject, 'unique_duplicate', SCENARIOS.unique_duplicate)) continue;
    bench.results.recordDeadRows(subject, await deadRowsOf(subject, bench));
  }
}

async function deadRowsOf(subject, { database, commandOf }) {
  const { request } = SCENARIOS.unique_duplicate;
  const { store } = SUBJECTS[subject];
  await database.empty(store.emptied);
  const before = await database.deadRows(store.schema);
  const process = await SubjectProcess.start(subject, commandOf(subject, database.url));
  try {
    await process.ask({ ...request, limit: request.keys });
    await process.ask({ ...request, limit: DUPLICATES, callers: 8 });
  } finally {
    await process.end();
  }
  return (await database.deadRows(store.schema)) - before;
}

function told({ p50_ms, per_second, rss_growth_mib }) {
  const parts = [`${per_second.toFixed(0)}/s`];
  if (p50_ms !== null) parts.unshift(`${p50_ms.toFixed(3)} ms`);
  if (rss_growth_mib !== null) parts.push(`+${rss_growth_mib.toFixed(0)} MiB`);
  return parts.join(', ');
}
