// Random careless handlers, many at once; after each, what its caller was told is held against what
// the database has. Ends with exit code 1 on any contradiction.
//
//   npm run build
//   node test/chaos/run.mjs --trials 10000 --seed 1
//   node test/chaos/run.mjs --seed 1 --trial 42           one trial again, with its program
//   node test/chaos/run.mjs --without fence               one protection switched off
//   node test/chaos/run.mjs --plain                       the same handlers over plain TypeORM
//   node test/chaos/run.mjs --table --trials 1000         all of these, as a table. Without `repositories`
//                                                         handlers wait for the pool: it takes long
//
// --url: the server; without it, as the tests find theirs.
import { parseArgs } from 'node:util';
import { runAll } from './all.mjs';
import { createDatabase } from './database.mjs';
import { PROTECTIONS } from './protections.mjs';
import { printReport } from './report.mjs';
import { printTable } from './table.mjs';

const { values: given } = parseArgs({
  options: {
    trials: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    trial: { type: 'string' },
    without: { type: 'string' },
    plain: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    url: { type: 'string' },
  },
});
if (given.without !== undefined && !(given.without in PROTECTIONS)) {
  throw new Error(`--without takes one of ${Object.keys(PROTECTIONS).join(', ')}`);
}
const settings = { ...given, trials: Number(given.trials), seed: Number(given.seed) };

if (given.table) await printTable(settings);
else {
  const database = await createDatabase(given.url);
  try {
    console.log(`${database.description}, seed ${settings.seed}`);
    const report = await runAll(database, settings);
    printReport(report, settings);
    process.exitCode = report.isClean ? 0 : 1;
  } finally {
    await database.drop();
  }
}
