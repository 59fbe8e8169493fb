import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command, mustSucceed } from './command.mjs';
import { compileApp, compiler, install, installNode } from './place.mjs';

const MATRIX = fileURLToPath(new URL('../typeorm-matrix/', import.meta.url));
const MATRIX_LIMIT_MS = 300_000;

/**
 * @typedef {object} Bench What all combinations share.
 * @property {string} place A folder outside of the repository.
 * @property {string} tarball
 * @property {readonly import('./databases.mjs').Databases[]} servers Of one version of Postgres each.
 * @property {import('./report.mjs').Report} report
 */

/**
 * Installs one combination of versions and runs the application on it, as ESM and as CommonJS.
 *
 * @param {import('./combinations.mjs').Combination} combination
 * @param {Bench} bench
 */
export async function tryCombination(combination, bench) {
  const { name, packages, nodes = [], matrix } = combination;
  const { place, tarball, report } = bench;
  const folder = join(place, name.replace(/[^A-Za-z0-9.]+/g, '-'));
  report.say(`\n${name}`);
  const installed = await report.check('installs, and all packages agree on their peers', () =>
    install(folder, { ...packages, 'nestjs-river': `file:${tarball}` }),
  );
  if (!installed) return;
  report.say(`     ${await versions(folder, Object.keys(packages))}`);
  if (matrix !== 'left out') await tryMatrix(folder, bench);
  if (matrix === 'only') return;
  await report.check("the package's own types hold", () => checkTypes(folder));
  for (const type of /** @type {const} */ (['module', 'commonjs'])) {
    let program = '';
    const compiled = await report.check(`${type}: the application compiles`, async () => {
      program = await compileApp(folder, type);
    });
    for (const version of compiled ? ['', ...nodes] : []) {
      await run({ type, program, folder, version }, bench);
    }
  }
}

/**
 * Makes TypeORM's own calls, outside our transactions and in them.
 *
 * @param {string} folder
 * @param {Bench} bench
 */
async function tryMatrix(folder, { servers, report }) {
  const program = join(folder, 'typeorm-matrix');
  await cp(MATRIX, program, { recursive: true });
  for (const { create, suffix } of servers) {
    const args = /** @type {const} */ ([
      process.execPath,
      join(program, 'program.mjs'),
      await create(),
    ]);
    await report.program(`TypeORM's own calls${suffix}`, args, folder, MATRIX_LIMIT_MS);
  }
}

/**
 * @param {{ type: string, program: string, folder: string, version: string }} application
 * @param {Bench} bench
 */
async function run({ type, program, folder, version }, { place, servers, report }) {
  const node = version === '' ? process.execPath : await installNode(place, version);
  const said = await mustSucceed(node, ['--version'], { cwd: folder, limitMs: 10_000 });
  for (const { create, suffix } of servers) {
    const urls = [await create(), await create()];
    const what = `${type} on Node ${said.trim()}${suffix}`;
    await report.program(what, [node, program, ...urls], folder);
  }
}

/** @param {string} folder @param {readonly string[]} packages */
async function versions(folder, packages) {
  const output = await mustSucceed('npm', ['ls', '--json', '--depth=0', '--loglevel=error'], {
    cwd: folder,
    limitMs: 30_000,
  });
  const { dependencies } = JSON.parse(output);
  return packages.map((name) => `${name} ${dependencies[name].version}`).join(', ');
}

/**
 * Looks into the types of libraries too, which applications skip; of what it finds there, only what
 * is ours counts.
 *
 * @param {string} folder
 */
async function checkTypes(folder) {
  const options = '--noEmit --strict --module nodenext --target es2022 --types node'.split(' ');
  const types = join(folder, 'node_modules/nestjs-river/dist/lib/index.d.ts');
  const { output } = await command(process.execPath, [compiler(folder), ...options, types], {
    cwd: folder,
    limitMs: 180_000,
  });
  // Old releases of rxjs do not say where their types are, and so fail Nest's own types as well.
  const isOurs = (/** @type {string} */ line) =>
    line.includes('nestjs-river/') && !line.includes("for module 'rxjs'");
  const ours = output.split('\n').filter(isOurs);
  if (ours.length > 0) throw new Error(ours.join('\n'));
}
