// The benchmark: this package against `pg` by hand, TypeORM, River's Go client, pg-boss and
// graphile-worker, all on one server. README.md and RESULTS.md tell what is measured.
//
//   npm run bench -- --help
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { openDatabase } from './database.mjs';
import { readOptions, USAGE } from './options.mjs';
import { prepareSubjects, versions } from './packages.mjs';
import { resultsFile, tables } from './report.mjs';
import { Results } from './results.mjs';
import { runProfiles } from './run-profile.mjs';
import { countDeadRows, runSection } from './run-section.mjs';
import { FILLED_TABLES, MAIN_FIGURES, QUICK, SCENARIOS, SECTIONS } from './scenarios.mjs';
import { drawChart } from './chart.mjs';

const GIB = 1024 ** 3;
const options = readOptions(process.argv.slice(2));
const say = (text) => console.error(text);

if (options.help) console.log(USAGE);
else await main();

async function main() {
  const subjects = options.profile ? ['ours'] : options.subjects;
  const commandOf = await prepareSubjects(subjects);
  const database = await openDatabase(options.url);
  const bench = { database, commandOf, subjects, say, runtimes: new Set(), rounds: options.rounds };
  try {
    await fill(database, options.profile ?? options.scenarios);
    if (options.profile) await runProfiles(options.profile, bench);
    else await compare(bench);
  } finally {
    await database.close();
  }
}

async function fill(database, scenarios) {
  const wanted = new Set(scenarios.map((name) => SCENARIOS[name].table));
  for (const [table, jobs] of Object.entries(FILLED_TABLES)) {
    if (!wanted.has(table)) continue;
    say(`Filling a table with ${jobs} jobs …`);
    await database.createRiver(table);
    await database.fill(table, jobs);
  }
}

async function compare(bench) {
  const begun = Date.now();
  const results = new Results(MAIN_FIGURES);
  bench.results = results;
  let distanceMs;
  const chosen = sections();
  for (const [index, section] of chosen.entries()) {
    // Each section has its share of the time.
    const share = (index + 1) / chosen.length;
    const until = options.quick ? QUICK.endsAfter * share : Infinity;
    distanceMs = (await runSection(section, bench, until)) ?? distanceMs;
  }
  if (!options.quick && options.scenarios.includes('unique_duplicate')) await countDeadRows(bench);
  const facts = await describe(bench, { distanceMs, seconds: (Date.now() - begun) / 1000 });
  for (const [name, text] of facts) console.log(`${name}: ${text}`);
  console.log(`\n${tables(results)}`);
  if (options.json) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  if (!options.writes) return;
  await writeFile(new URL('RESULTS.md', import.meta.url), resultsFile(results, facts));
  await writeFile(new URL('results.svg', import.meta.url), drawChart(results));
}

/** The sections with the scenarios asked for, each as long as asked for. */
function sections() {
  return SECTIONS.flatMap((section) => {
    const chosen = Object.entries(section.scenarios).filter(([name]) =>
      options.scenarios.includes(name),
    );
    if (chosen.length === 0) return [];
    const scenarios = chosen.map(([name, scenario]) => [
      name,
      options.quick ? shortened(scenario) : scenario,
    ]);
    return { ...section, scenarios: Object.fromEntries(scenarios) };
  });
}

function shortened(scenario) {
  const shorter = (part) =>
    scenario[part]?.seconds === undefined
      ? scenario[part]
      : { ...scenario[part], seconds: QUICK.seconds[part] };
  return {
    ...scenario,
    first: shorter('first'),
    warmUp: shorter('warmUp'),
    measured: shorter('measured'),
  };
}

async function describe({ database, runtimes, results }, { distanceMs, seconds }) {
  const { version, settings } = await database.describe();
  const named = Object.entries(versions()).map(([name, number]) => `${name} ${number}`);
  return [
    ['Date', new Date().toISOString().slice(0, 10)],
    [
      'Machine',
      `${availableParallelism()} CPUs (${cpus()[0]?.model.trim() ?? 'unknown'}), ${(totalmem() / GIB).toFixed(0)} GiB, ${process.platform}; the server is on it too`,
    ],
    ['Server', `PostgreSQL ${version}${options.url ? ', given' : ', embedded, made for this run'}`],
    ['Settings', settings],
    ['Runtimes', [...runtimes].join(', ')],
    ['Versions', named.join(', ')],
    ['Rounds', `${results.rounds()}, interleaved; ${(seconds / 60).toFixed(1)} minutes in all`],
    ...(distanceMs
      ? [['Distance', `a round trip by the proxy took ${distanceMs.toFixed(2)} ms more`]]
      : []),
  ];
}
