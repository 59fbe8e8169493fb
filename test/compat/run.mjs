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
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryCombination } from './combination.mjs';
import { COMBINATIONS } from './combinations.mjs';
import { endCommands, mustSucceed } from './command.mjs';
import { startDatabases } from './databases.mjs';
import { packageChecks } from './package-checks.mjs';
import { install } from './place.mjs';
import { Report } from './report.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BARE = fileURLToPath(new URL('bare.mjs', import.meta.url));
const [wanted = ''] = process.argv.slice(2);

/** Built, packed and unpacked, in a folder outside of the repository. */
async function pack(/** @type {string} */ place) {
  const args = ['pack', '--silent', '--pack-destination', place];
  const output = await mustSucceed('npm', args, { cwd: ROOT, limitMs: 180_000 });
  const tarball = join(place, output.match(/\S+\.tgz/)?.[0] ?? '');
  await mustSucceed('tar', ['-xzf', tarball], { cwd: place, limitMs: 10_000 });
  return { tarball, unpacked: join(place, 'package') };
}

/** `npm install nestjs-river` and no more: npm adds its peers, none of the optional packages. */
async function tryBare(/** @type {import('./combination.mjs').Bench} */ bench) {
  const { place, tarball, databases, report } = bench;
  report.say('\nNothing but the package and its peers');
  const folder = join(place, 'bare');
  const installed = await report.check('installs', () =>
    install(folder, { 'nestjs-river': `file:${tarball}` }),
  );
  if (!installed) return;
  await cp(BARE, join(folder, 'bare.mjs'));
  const program = /** @type {const} */ ([process.execPath, 'bare.mjs', await databases.create()]);
  await report.program('import and require', program, folder);
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
  const waiting = COMBINATIONS.filter(({ name }) => name.includes(wanted)).map(
    (combination) => (/** @type {Report} */ section) =>
      tryCombination(combination, { ...bench, report: section }),
  );
  if (wanted === '') waiting.push((section) => tryBare({ ...bench, report: section }));
  const tryNext = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await report.section(next);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, tryNext));
} finally {
  await databases.stop();
}
console.log(`\nRan on ${databases.description}`);
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
