// Packs the package and tries it as users have it: installed from the tarball beside other versions
// of Nest, TypeORM, pg and Node, by `import` and by `require`, on a real Postgres.
//
//   npm run compat                everything
//   npm run compat -- 'Nest 11'   only the combinations whose name holds this
//   npm run compat -- TypeScript  only the types, by the TypeScripts of CI
//   npm run compat -- --all-typescripts                 the types by all TypeScripts, with the rest
//   npm run compat -- --postgres 14,16,17,18            on each of these embedded servers
//
// Tries as many at a time as there are cores. Installs from the registry, through npm's own cache.
// Ends with `N passed, 0 failed`.
import { rmSync } from 'node:fs';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { tryCombination } from './combination.mjs';
import { COMBINATIONS } from './combinations.mjs';
import { endCommands } from './command.mjs';
import { startDatabases, startServers } from './databases.mjs';
import { inTurns } from './in-turns.mjs';
import { pack, ROOT } from './pack.mjs';
import { packageChecks } from './package-checks.mjs';
import { install } from './place.mjs';
import { Report } from './report.mjs';
import { tryTypeScripts } from './typescripts.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({
  options: { 'all-typescripts': { type: 'boolean', default: false }, postgres: { type: 'string' } },
  allowPositionals: true,
});
const [wanted = ''] = positionals;

/** `npm install nestjs-river` and no more: npm adds its peers, none of the optional packages. */
async function tryBare(/** @type {import('./combination.mjs').Bench} */ bench) {
  const { place, tarball, servers, report } = bench;
  report.say('\nNothing but the package and its peers');
  const folder = join(place, 'bare');
  const installed = await report.check('installs', () =>
    install(folder, { 'nestjs-river': `file:${tarball}` }),
  );
  if (!installed) return;
  for (const name of ['bare.mjs', 'formats.mjs']) {
    await cp(join(HERE, name), join(folder, name));
    for (const { create, suffix } of servers) {
      const program = /** @type {const} */ ([process.execPath, name, await create()]);
      await report.program(`${name}${suffix}`, program, folder);
    }
  }
}

const place = await mkdtemp(join(tmpdir(), 'nestjs-river-compat-'));
process.once('exit', () => {
  endCommands();
  rmSync(place, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

const report = new Report();
const { tarball, unpacked } = await pack(place);
console.log('The package');
await packageChecks({ root: ROOT, unpacked, report });
const servers =
  values.postgres === undefined
    ? [await startDatabases()]
    : await startServers(values.postgres.split(','), place);
try {
  const bench = { place, tarball, servers };
  const sections = COMBINATIONS.filter(({ name }) => name.includes(wanted)).map(
    (combination) => (/** @type {Report} */ section) =>
      tryCombination(combination, { ...bench, report: section }),
  );
  if (wanted === '') sections.push((section) => tryBare({ ...bench, report: section }));
  if ('TypeScript'.includes(wanted)) {
    const all = values['all-typescripts'];
    sections.push((section) => tryTypeScripts(all, { ...bench, report: section }));
  }
  await inTurns(report, sections);
} finally {
  for (const { stop } of servers) await stop();
}
console.log(`\nRan on ${servers.map(({ description }) => description).join(', ')}`);
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
