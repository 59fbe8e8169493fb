// Packs the package and tries it as users have it: installed from the tarball beside other versions
// of Nest, TypeORM, pg and Node, by `import` and by `require`, on a real Postgres.
//
//   npm run compat                everything
//   npm run compat -- 'Nest 11'   only the combinations whose name holds this
//
// Tries as many at a time as there are cores. Installs from the registry, through npm's own cache.
// Ends with `N passed, 0 failed`.
import { rmSync } from 'node:fs';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryCombination } from './combination.mjs';
import { COMBINATIONS } from './combinations.mjs';
import { endCommands } from './command.mjs';
import { startDatabases } from './databases.mjs';
import { inTurns } from './in-turns.mjs';
import { pack, ROOT } from './pack.mjs';
import { packageChecks } from './package-checks.mjs';
import { install } from './place.mjs';
import { Report } from './report.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const [wanted = ''] = process.argv.slice(2);

/** `npm install nestjs-river` and no more: npm adds its peers, none of the optional packages. */
async function tryBare(/** @type {import('./combination.mjs').Bench} */ bench) {
  const { place, tarball, databases, report } = bench;
  report.say('\nNothing but the package and its peers');
  const folder = join(place, 'bare');
  const installed = await report.check('installs', () =>
    install(folder, { 'nestjs-river': `file:${tarball}` }),
  );
  if (!installed) return;
  for (const name of ['bare.mjs', 'formats.mjs']) {
    await cp(join(HERE, name), join(folder, name));
    const program = /** @type {const} */ ([process.execPath, name, await databases.create()]);
    await report.program(name, program, folder);
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
const databases = await startDatabases();
try {
  const bench = { place, tarball, databases };
  const sections = COMBINATIONS.filter(({ name }) => name.includes(wanted)).map(
    (combination) => (/** @type {Report} */ section) =>
      tryCombination(combination, { ...bench, report: section }),
  );
  if (wanted === '') sections.push((section) => tryBare({ ...bench, report: section }));
  await inTurns(report, sections);
} finally {
  await databases.stop();
}
console.log(`\nRan on ${databases.description}`);
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
