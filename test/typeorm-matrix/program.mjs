// Makes every public call of TypeORM outside of a transaction, by TypeORM alone, and in every kind of
// transaction of ours, in the TypeORM that is installed where this runs:
//   node test/typeorm-matrix/program.mjs postgres://...
// Prints a line for each check, `ok` or `FAIL`, and what differs.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { plainDataSource, startApplication } from './application.mjs';
import { calls } from './calls/index.mjs';
import { Database } from './database.mjs';
import { Note, Order, plant } from './entities.mjs';
import { PLACES } from './places.mjs';
import { publicMethods } from './public-methods.mjs';
import { Recorder } from './recorder.mjs';
import { Trials } from './trial.mjs';

const [, , url] = process.argv;
const methods = publicMethods();
const table = calls(new Set(methods.map(({ title }) => title)));

/** How a mistake in the matrix itself shows, which would be the same in all places. */
const BROKEN = / (TypeError|ReferenceError|RangeError|SyntaxError|QueryFailedError): /;

/** Says how a check went, and what went wrong. */
function report(what, faults) {
  console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${what}`);
  for (const fault of faults) console.log(`     ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

const activeRecords = (dataSource) => {
  for (const target of [Order, Note]) target.useDataSource(dataSource);
};

/** By TypeORM alone, as the rest is compared with. */
async function expectations(database, trials) {
  const recorder = new Recorder(methods);
  const dataSource = await plainDataSource(url);
  await dataSource.synchronize();
  await plant(dataSource);
  await database.snapshot();
  activeRecords(dataSource);
  const expected = new Map();
  for (const { title, call, needsTransaction } of table) {
    const place = needsTransaction
      ? ['dataSource.transaction', 'the manager given']
      : ['no transaction', 'injected repositories'];
    const recorded = (on) => recorder.record(() => call(on));
    expected.set(title, await trials.make({ dataSource }, place, recorded, { job: false }));
  }
  recorder.end();
  await dataSource.destroy();
  const missing = methods.map(({ title }) => title).filter((title) => !recorder.called.has(title));
  report(
    `each of ${methods.length} public methods has a call`,
    missing.map((title) => `${title} has no call in the matrix`),
  );
  const isBroken = ({ outcome, failure }) => failure !== undefined || BROKEN.test(outcome);
  report(
    `${expected.size} calls are correct`,
    [...expected]
      .filter(([, each]) => isBroken(each))
      .map(([title, { outcome, failure }]) => `${title}: ${failure ?? outcome}`),
  );
  return expected;
}

/** What differs in one place, committed and rolled back. */
async function compare(app, place, { database, trials, expected }) {
  const [opening, reach] = place;
  const isOutside = opening === 'no transaction';
  const faults = [];
  let [count, undone] = [0, 0];
  for (const { title, call, needsTransaction, inside } of table) {
    if (isOutside && needsTransaction) continue;
    // Active record reaches the database in its one way.
    if (title.startsWith('BaseEntity.') && reach !== 'injected repositories') continue;
    count += 1;
    const wanted = { ...expected.get(title), inside: isOutside ? undefined : inside, jobs: 1 };
    const made = await trials.make(app, place, call);
    let fault = faultOf(made, wanted);
    // Of a call that stores nothing, nothing can remain.
    if (!isOutside && fault === undefined && wanted.text !== database.seeded) {
      undone += 1;
      const result = await trials.make(app, place, call, { rollback: true });
      fault = faultOf(result, { ...wanted, text: database.seeded, jobs: 0 });
      if (fault !== undefined) fault = `rolled back, ${fault}`;
    }
    if (fault !== undefined) faults.push(`${title}: ${fault}`);
  }
  return { count, undone, faults };
}

function faultOf({ failure, outcome, text, jobs }, wanted) {
  if (failure !== undefined) return `the transaction failed: ${failure}`;
  const { inside } = wanted;
  if (inside === undefined ? outcome !== wanted.outcome : !outcome.includes(inside)) {
    return `it ${outcome}, not ${inside ?? wanted.outcome}`;
  }
  if (text !== wanted.text) return `stored ${Database.difference(text, wanted.text)}`;
  if (jobs !== wanted.jobs) return `${jobs} jobs, not ${wanted.jobs}`;
  return undefined;
}

const database = await Database.connect(url);
const trials = new Trials(database);
const expected = await expectations(database, trials);
const app = await startApplication(url);
activeRecords(app.dataSource);
let made = 0;
for (const place of PLACES) {
  const began = performance.now();
  const { count, undone, faults } = await compare(app, place, { database, trials, expected });
  made += count + undone;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  report(`${place.join(', by ')}: ${count} calls, ${undone} rolled back (${seconds} s)`, faults);
}
await app.close();
await database.end();

const typeorm = createRequire(import.meta.url).resolve('typeorm');
const { version } = JSON.parse(readFileSync(join(dirname(typeorm), 'package.json'), 'utf8'));
console.log(
  `TypeORM ${version}: ${methods.length} public methods, ${table.length} calls, ` +
    `${PLACES.length} places, ${made} trials`,
);
