// Runs the trials, 32 at once, and collects what was found.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { CHANGED } from './changes.mjs';
import { watchPool } from './pool.mjs';
import { programOf } from './program.mjs';
import { PROTECTIONS } from './protections.mjs';
import { libraryScopes, plainScopes } from './scopes.mjs';
import { owners, Trial } from './trial.mjs';
import { libraryVerbs, plainVerbs } from './verbs.mjs';
import { judge } from './verdict.mjs';
import { startWorld } from './world.mjs';

const AT_ONCE = 32;
const HANGS_AFTER_MS = 30_000;

export async function runAll({ url }, { seed, trials, trial, without, plain }) {
  const protection = without === undefined ? undefined : PROTECTIONS[without];
  protection?.off();
  const world = await startWorld(url, protection);
  world.admin = new pg.Pool({ connectionString: url, max: 4 });
  world.verbs = plain ? plainVerbs() : libraryVerbs(world);
  world.scopes = plain ? plainScopes(world) : libraryScopes(world);
  const report = { outcomes: {}, kinds: {}, failed: [], strays: 0, steps: 0, unhandled: {} };
  const stopWatching = watchRejections(report);
  const numbers =
    trial === undefined ? Array.from({ length: trials }, (_, index) => index) : [Number(trial)];
  const begun = Date.now();
  const seen = new Map();
  const worker = async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      const program = programOf(seed, number);
      if (plain) program.viaHttp = false;
      await runOne(world, program, { report, seen });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  report.seconds = (Date.now() - begun) / 1000;
  report.pool = await watchPool(world);
  for (const what of await changedSince(world, seen)) {
    report.strays++;
    count(report.kinds, 'changed later');
    report.failed.push({ found: [{ kind: 'changed later', what }] });
  }
  stopWatching();
  const ended = world.stop().catch((error) => report.failed.push(hung('the application', error)));
  await Promise.race([ended, sleep(HANGS_AFTER_MS, undefined, { ref: false })]);
  await world.admin.end();
  report.isClean = report.failed.length === 0 && report.strays === 0 && report.pool.length === 0;
  return report;
}

async function runOne(world, program, { report, seen }) {
  const trial = new Trial(world, program);
  const isHung = await Promise.race([
    trial.run().then(() => false),
    sleep(HANGS_AFTER_MS, true, { ref: false }),
  ]);
  if (isHung) {
    report.failed.push(hung(`trial ${program.trial}`));
    count(report.kinds, 'hung');
    return;
  }
  const stored = await rowsOf(world, program.trial);
  seen.set(String(program.trial), stored.size);
  report.steps += trial.steps.length;
  count(report.outcomes, outcomeOf(trial));
  for (const { owner } of trial.unhandled) {
    count(report.unhandled, owner?.isUntracked ? 'not the library’s own' : 'told to nobody else');
  }
  const found = judge(trial, stored);
  const kinds = new Set(found.map(({ kind }) => kind));
  for (const kind of kinds) count(report.kinds, kind);
  if (kinds.has('stray')) report.strays++;
  if (found.length > 0) report.failed.push({ program, found, error: trial.error });
}

function hung(what, error) {
  return { found: [{ kind: 'hung', what: `${what} did not end` }], error };
}

function count(counts, key) {
  counts[key] = (counts[key] ?? 0) + 1;
}

function outcomeOf({ root, error, attempts }) {
  if (error === undefined) return attempts > 1 ? 'committed after retries' : 'committed';
  if (error.code === 'RIVER_COMMIT_OUTCOME_UNKNOWN')
    return `COMMIT lost, resolved: ${root.outcome}`;
  const kind = error.code ?? error.driverError?.code ?? error.constructor.name;
  return `rolled back: ${error.message === 'careless' ? 'thrown' : kind}`;
}

async function rowsOf({ admin }, trial) {
  const { rows } = await admin.query(
    `select 'o:' || tag as row from chaos_order where tag like $1
     union all select 'i:' || tag from chaos_item where tag like $1
     union all select 'j:' || (args->>'tag') from river_job where args->>'tag' like $1
     union all select row from (${CHANGED}) changed where row like 'c:' || $1`,
    [`${trial}-%`],
  );
  return new Set(rows.map(({ row }) => row));
}

/** Which trials have other rows at the end than when they were judged. */
async function changedSince({ admin }, seen) {
  const { rows } = await admin.query(
    `select split_part(tag, '-', 1) as trial, count(*)::int as n from (
       select tag from chaos_order where tag <> 'taken' union all select tag from chaos_item
       union all select args->>'tag' from river_job
       union all select substr(row, 3) from (${CHANGED}) changed) all_rows group by 1`,
  );
  const now = new Map(rows.map(({ trial, n }) => [trial, n]));
  return [...seen]
    .filter(([trial, size]) => (now.get(trial) ?? 0) !== size)
    .map(([trial, size]) => `trial ${trial} had ${size} rows and has ${now.get(trial) ?? 0}`);
}

/** Notes each rejection that nobody handles with the trial that it belongs to. */
function watchRejections(report) {
  const listener = (reason, promise) => {
    const owner = owners.get(promise);
    if (owner) owner.trial.unhandled.push({ reason, owner });
    else {
      count(report.kinds, 'unhandled rejection');
      const what = reason instanceof Error ? reason.stack : String(reason);
      report.failed.push({ found: [{ kind: 'unhandled rejection', what }] });
    }
  };
  process.on('unhandledRejection', listener);
  return () => process.off('unhandledRejection', listener);
}
