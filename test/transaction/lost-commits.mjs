// Loses the connection of many transactions at COMMIT, just before the server has it or just after, and
// compares what CommitOutcomeUnknownError.resolve() says with what is stored. Takes the built package:
//   npm run build && node test/transaction/lost-commits.mjs --runs 1000 --seed 1
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { CommitOutcomeUnknownError, jobArgs, RiverClient, RiverTransaction } from 'nestjs-river';
import { RiverMigrator } from 'nestjs-river/migrations';
import { provision } from '../support/server/provision.mjs';
import { randomOf } from '../chaos/random.mjs';
import { openCommitProxy } from './commit-proxy.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
const runs = Number(values.runs);
const random = randomOf(Number(values.seed), 0);

const server = await provision(process.env);
console.log(`${runs} connections lost at COMMIT, seed ${values.seed}, on ${server.description}`);
const name = `lost_commits_${process.pid}`;
const url = new URL(server.url);
url.pathname = `/${name}`;
/** @type {(sql: string, values?: unknown[], on?: string) => Promise<any[]>} */
const ask = async (sql, values, on = url.href) => {
  const client = new pg.Client({ connectionString: on });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
};

await ask(`create database ${name}`, undefined, server.url);
try {
  const proxy = await openCommitProxy(url.href);
  const dataSource = await new DataSource({ type: 'postgres', url: proxy.url }).initialize();
  await new RiverMigrator(dataSource).migrate({ direction: 'up' });
  const river = new RiverClient(dataSource, {});
  const transaction = new RiverTransaction('default', dataSource);

  /** @type {Record<string, number>} */
  const table = {};
  let wrong = 0;
  for (let run = 0; run < runs; run++) {
    const when = random.chance(0.5) ? 'before' : 'after';
    proxy.cutNext(when);
    const told = await transaction
      .run(() => river.insert(jobArgs('lost_commit', { run })))
      .then(
        () => 'no error',
        (error) => (error instanceof CommitOutcomeUnknownError ? error.resolve() : String(error)),
      );
    const jobs = await ask(`select from river_job where args->>'run' = $1`, [String(run)]);
    const truth = jobs.length === 1 ? 'committed' : 'rolled back';
    const line = `cut ${when} COMMIT reached the server; stored: ${truth}; resolve(): ${told}`;
    table[line] = (table[line] ?? 0) + 1;
    if (told !== truth) wrong++;
  }
  for (const [line, count] of Object.entries(table).sort()) console.log(`${count}  ${line}`);
  console.log(`said what is not true: ${wrong}`);
  process.exitCode = wrong === 0 ? 0 : 1;
  await dataSource.destroy();
  await proxy.close();
} finally {
  await ask(`drop database if exists ${name} with (force)`, undefined, server.url);
  await server.stop();
}
