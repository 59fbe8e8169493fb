// Loses connections before, inside and after each message of Postgres' protocol, in both directions, in
// each form of insert, and compares what the caller was told with what is stored. Takes the built package:
//   npm run build && node test/client/cuts.mjs --runs 1200
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { NestFactory } from '@nestjs/core';
import { RiverClient, RiverError, RiverModule, RiverTransaction } from 'nestjs-river';
import { RiverMigrator } from 'nestjs-river/migrations';
import { provision } from '../support/server/provision.mjs';
import { FORMS, Handlers } from './cut-forms.mjs';
import { CutProxy } from './cut-proxy.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1200' }, form: { type: 'string' } },
});
const runs = Number(values.runs);
const forms = Object.entries(FORMS).filter(([name]) => !values.form || name === values.form);

const server = await provision(process.env);
const name = `cuts_${process.pid}`;
const url = new URL(server.url);
url.pathname = `/${name}`;

/** @type {(on: string) => Promise<pg.Client>} */
const connected = async (on) => {
  const client = new pg.Client({ connectionString: on });
  await client.connect();
  return client;
};

const owner = await connected(server.url);
await owner.query(`create database ${name}`);
try {
  process.exitCode = (await lose()) === 0 ? 0 : 1;
} catch (error) {
  // Before its database goes, and its connections with it.
  console.error(error);
  process.exitCode = 1;
} finally {
  await owner.query(`drop database if exists ${name} with (force)`);
  await owner.end();
  await server.stop();
}

/** @returns {Promise<number>} how many answers were not true */
async function lose() {
  const admin = await connected(url.href);
  admin.on('error', () => undefined);
  const proxy = new CutProxy(url.href, (pid) =>
    // Ids of processes come again, so that one may be of somebody else's by now.
    admin.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where pid = $1 and datname = current_database()`,
      [pid],
    ),
  );
  const extra = { max: 1, query_timeout: 250, connectionTimeoutMillis: 1000 };
  const options = { type: /** @type {const} */ ('postgres'), url: await proxy.listen(), extra };
  const dataSource = await new DataSource(options).initialize();
  await new RiverMigrator(dataSource).migrate({ direction: 'up' });
  const imports = [RiverModule.forRoot({ dataSource, notify: false })];
  const app = await NestFactory.createApplicationContext(
    { module: Handlers, imports, providers: [Handlers] },
    { logger: false },
  );
  const on = {
    dataSource,
    river: app.get(RiverClient),
    transaction: app.get(RiverTransaction),
    handlers: app.get(Handlers),
  };
  const plans = [];
  for (const [form, { begin }] of forms) plans.push({ form, cuts: await cutsOf(begin) });

  /** @type {Record<string, number>} */
  const table = {};
  let lies = 0;
  for (let run = 1; run <= runs; run++) {
    const { form, cuts } = plans[run % plans.length];
    const planned = cuts[Math.floor((run * 7919) / plans.length) % cuts.length];
    const { calls, begin } = FORMS[form];
    if (planned.isCold) await disconnect();
    else await connect();
    proxy.plan(planned.cut);
    const reports = (await Promise.allSettled(begin(on, run))).map(reportOf);
    const where = proxy.where ?? 'nothing was lost';
    proxy.plan(undefined);
    await backendsGone();
    const { rows } = await admin.query(
      `select (args->>'n')::int as n from river_job where (args->>'run')::int = $1`,
      [run],
    );
    let first = 0;
    for (const [place, count] of calls.entries()) {
      const stored = rows.filter(({ n }) => n >= first && n < first + count).length;
      first += count;
      const truth = stored === 0 ? 'no' : stored === count ? 'yes' : `${stored} of ${count}`;
      const { told, allows } = reports[place];
      const isTrue = allows.includes(truth);
      const line = [form, where, told, `stored: ${truth}`, isTrue ? '' : 'LIE'].join(' | ');
      table[line] = (table[line] ?? 0) + 1;
      if (!isTrue) lies++;
    }
  }
  for (const [line, count] of Object.entries(table).sort()) console.log(`${count} | ${line}`);
  console.log(`${runs} connections lost, on ${server.description}`);
  console.log(`lies: ${lies}`);
  await app.close();
  if (dataSource.isInitialized) await dataSource.destroy();
  await proxy.close();
  await admin.end();
  return lies;

  /** All places where a form can lose its connection, on one that is open already and on a new one. */
  async function cutsOf(begin) {
    const all = [];
    for (const isCold of [false, true]) {
      await Promise.allSettled(begin(on, -1));
      if (isCold) await disconnect();
      else await connect();
      proxy.plan(undefined);
      await Promise.allSettled(begin(on, 0));
      const { seen } = proxy;
      await admin.query('truncate river_job');
      for (const direction of /** @type {const} */ (['to server', 'to client']))
        for (let index = 0; index < seen[direction]; index++)
          for (const place of /** @type {const} */ (['before', 'inside', 'after']))
            for (const mode of /** @type {const} */ (['cut', 'silence', 'terminate']))
              if (!isCold || mode === 'cut')
                all.push({ isCold, cut: { direction, index, place, mode } });
    }
    return all;
  }

  /** Until the pool has a connection that works: TypeORM keeps one whose statement was not answered. */
  async function connect() {
    while (!(await dataSource.query('select 1').then(Boolean, () => false))) proxy.drop();
  }

  /** Ends the connection of the pool, so that the next call opens one. */
  async function disconnect() {
    await terminateAll();
    await dataSource.query('select 1').catch(() => undefined);
    await terminateAll();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async function terminateAll() {
    await admin.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where pid = any($1::int[]) and datname = current_database()`,
      [[...proxy.pids]],
    );
  }

  /** Until no backend is at work any more on what it was sent. */
  async function backendsGone() {
    for (;;) {
      const { rowCount } = await admin.query(
        `select from pg_stat_activity where pid = any($1::int[]) and datname = current_database() and (state <> 'idle' or backend_xid is not null)`,
        [[...proxy.pids]],
      );
      if (rowCount === 0) return;
      // A transaction whose client is silent never ends on its own.
      await admin.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where pid = any($1::int[]) and datname = current_database() and state like 'idle in transaction%'`,
        [[...proxy.pids]],
      );
    }
  }
}

/**
 * What a caller was told, and what may then be stored.
 *
 * @param {PromiseSettledResult<unknown>} settled
 */
function reportOf(settled) {
  if (settled.status === 'fulfilled') return { told: 'no error', allows: ['yes'] };
  const error = settled.reason;
  if (!RiverError.is(error)) return { told: `${error.name}`, allows: ['yes', 'no'] };
  const { name: errorName, outcome, retryable } = error;
  const told = `${errorName}: ${outcome}${retryable ? ', retryable' : ''}`;
  const isSure = outcome === 'not-stored' || retryable;
  return { told, allows: isSure ? ['no'] : ['yes', 'no'] };
}
