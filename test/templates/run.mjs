// Tries the packed package in the templates of the Nest CLI, with the scripts and the test runner
// that they come with: build, start:prod, test, test:e2e, lint.
//
//   npm run templates                                  the short set: Nest 10, 11 and 12
//   npm run templates -- --nest 10,11 --typeorm 0.3.20,1 --node 22 --manager pnpm
//                                                      each with each
//   npm run templates -- --all                         the whole set (in cells.mjs)
//   npm run templates -- --only 4,9                    these of the whole set, from 1
//   npm run templates -- --all --write                 and writes what passed into README.md
//
// Managers are npm, pnpm, yarn and pnp (Yarn without node_modules); builders are in builders.mjs.
// Other options are --builder, --pg and --typescript. Tries as many at a time as there are cores. Uses
// TEST_DATABASE_URL if set, else the embedded Postgres. Installs from the registry, through npm's
// own cache. Ends with `N passed, 0 failed`.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endCommands } from '../compat/command.mjs';
import { startDatabases } from '../compat/databases.mjs';
import { inTurns } from '../compat/in-turns.mjs';
import { pack } from '../compat/pack.mjs';
import { Report } from '../compat/report.mjs';
import { cellsOf } from './cells.mjs';
import { writeTable } from './table.mjs';
import { tryTemplate } from './template.mjs';

const { cells, write } = cellsOf(process.argv.slice(2));
const place = await mkdtemp(join(tmpdir(), 'nestjs-river-templates-'));
process.once('exit', () => {
  endCommands();
  rmSync(place, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

const report = new Report();
const { tarball } = await pack(place);
const databases = await startDatabases();
try {
  /** @type {{ cell: import('./cells.mjs').Cell, passed: boolean }[]} */
  const results = [];
  const sections = cells.map((cell) => async (/** @type {Report} */ section) => {
    await tryTemplate(cell, { place, tarball, databases, report: section });
    results.push({ cell, passed: section.failed === 0 });
  });
  await inTurns(report, sections);
  if (write) await writeTable(results);
} finally {
  await databases.stop();
}
console.log(`\nRan on ${databases.description}`);
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
