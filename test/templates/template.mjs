import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustSucceed } from '../compat/command.mjs';
import { installNode } from '../compat/place.mjs';
import { post, whileItRuns } from './application.mjs';
import { BUILDERS } from './builders.mjs';
import { THIS_NODE } from './cells.mjs';
import { nestTypeormFor, tryFirstJob } from './first-job.mjs';
import { MANAGERS } from './managers.mjs';

const APP = fileURLToPath(new URL('app/', import.meta.url));
const NEW = ['new', 'app', '--skip-git', '--skip-install', '--package-manager', 'npm'];
const INSTALL_LIMIT_MS = 300_000;
const SCRIPT_LIMIT_MS = 180_000;

/**
 * Makes an application by `nest new`, adds orders with their jobs to it, and runs the scripts of
 * its package.json; then the same with the first job of README.md in their place. Its configuration
 * stays as it was made.
 *
 * @param {import('./cells.mjs').Cell} cell
 * @param {object} bench
 * @param {string} bench.place
 * @param {string} bench.tarball
 * @param {import('../compat/databases.mjs').Databases} bench.databases
 * @param {import('../compat/report.mjs').Report} bench.report
 */
export async function tryTemplate(cell, { place, tarball, databases, report }) {
  const { nest, manager } = cell;
  /** @type {import('./builders.mjs').Builder} */
  const { migrates = false } = BUILDERS[cell.builder];
  report.say(`\n${nameOf(cell)}`);
  const folder = join(place, nameOf(cell).replace(/[^A-Za-z0-9.]+/g, '-'), 'app');
  const url = await (migrates ? databases.createEmpty() : databases.create());
  const env = { ...(await environment(cell, place)), DATABASE_URL: url };
  const { install, run } = MANAGERS[manager];
  const script = (/** @type {string} */ name) => async () => {
    const [program = '', ...args] = [...run, name];
    await mustSucceed(program, args, { cwd: folder, limitMs: SCRIPT_LIMIT_MS, env });
  };
  const isReady =
    (await report.check(`@nestjs/cli ${nest} new`, () => create(folder, cell, tarball))) &&
    (await report.check(`${manager} install`, async () => {
      const [program = '', ...args] = install;
      await mustSucceed(program, args, { cwd: folder, limitMs: INSTALL_LIMIT_MS, env });
    })) &&
    (await report.check('build', script('build'))) &&
    (!migrates || (await report.check('migration:run', script('migrate'))));
  if (!isReady) return;
  // Makes the tables as well, so that test files need not make them at the same time.
  const application = { folder, command: [...run, 'start:prod'], env };
  await report.check('start:prod', () => whileItRuns(application, useOrders));
  for (const name of ['test', 'test:e2e', 'lint']) await report.check(name, script(name));
  if (migrates) await report.check('migration:revert', script('migrate:revert'));
  const isPlain = manager === 'npm' && cell.node === THIS_NODE && cell.builder === 'tsc';
  if (isPlain) await tryFirstJob({ folder, env, run, report });
}

/** @param {import('./cells.mjs').Cell} cell */
function nameOf({ nest, typeorm, manager, node, typescript, pg, builder }) {
  const packages = [`Nest ${nest}`, `TypeORM ${typeorm}`, `pg ${pg}`, manager, `Node ${node}`];
  const others = [typescript && `TypeScript ${typescript}`, builder];
  return [...packages, ...others].filter((part) => part !== '').join(', ');
}

/** @param {import('./cells.mjs').Cell} cell @param {string} place */
async function environment({ node }, place) {
  if (node === THIS_NODE) return {};
  const program = await installNode(place, node);
  return { PATH: `${dirname(program)}${delimiter}${process.env['PATH']}` };
}

/**
 * @param {string} folder
 * @param {import('./cells.mjs').Cell} cell
 * @param {string} tarball
 */
async function create(folder, { nest, typeorm, typescript, pg, manager, builder }, tarball) {
  await mkdir(dirname(folder), { recursive: true });
  const cli = ['--yes', '--prefer-offline', `@nestjs/cli@${nest}`, ...NEW];
  await mustSucceed('npx', cli, { cwd: dirname(folder), limitMs: INSTALL_LIMIT_MS });

  const path = join(folder, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  /** @type {import('./builders.mjs').Builder} */
  const { packages = () => ({}), scripts, migrates } = BUILDERS[builder];
  Object.assign(manifest.scripts, scripts);
  Object.assign(manifest.devDependencies, packages(nest));
  Object.assign(manifest.dependencies, {
    '@nestjs/typeorm': nestTypeormFor(nest),
    'nestjs-river': `file:${tarball}`,
    pg,
    typeorm,
  });
  const { files = {}, manifest: added = {} } = /** @type {import('./managers.mjs').Manager} */ (
    MANAGERS[manager]
  );
  Object.assign(manifest, added);
  if (typescript !== '') manifest.devDependencies.typescript = `~${typescript}.0`;
  await writeFile(path, JSON.stringify(manifest, null, 2));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }

  const isModule = manifest.type === 'module';
  await copySources(join(APP, 'src/orders'), join(folder, 'src/orders'), isModule);
  await copySources(join(APP, 'test'), join(folder, 'test'), isModule);
  if (migrates) {
    await copySources(join(APP, 'src/migrations'), join(folder, 'src/migrations'), isModule);
    // Without this, the application would make what the migration did not.
    await change(join(folder, 'src/orders/orders.module.ts'), (text) =>
      text.replace('{ migrate: true }', ''),
    );
  }
  await change(join(folder, 'src/app.module.ts'), (text) =>
    text
      .replace(
        /^import/,
        `import { OrdersModule } from './orders/orders.module${isModule ? '.js' : ''}';\nimport`,
      )
      .replace('imports: [', 'imports: [OrdersModule'),
  );
  // That of Nest 10 listens on 3000 whatever the environment says.
  await change(join(folder, 'src/main.ts'), (text) =>
    text.replace('listen(3000)', 'listen(process.env.PORT ?? 3000)'),
  );
}

/**
 * The sources are ES modules and their specs import from Jest, so that they are checked here.
 *
 * @param {string} from
 * @param {string} to
 * @param {boolean} isModule
 */
async function copySources(from, to, isModule) {
  await cp(from, to, { recursive: true });
  for (const file of await readdir(from)) {
    await change(join(to, file), (text) => {
      const withGlobals = text.replace(/^import .* from '@jest\/globals';\n/m, '');
      return isModule ? withGlobals : withGlobals.replace(/^(import .*'\..*)\.js';$/gm, "$1';");
    });
  }
}

/** @param {string} path @param {(text: string) => string} edit */
async function change(path, edit) {
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

/** @param {string} app */
async function useOrders(app) {
  const { jobId } = await post(`${app}/orders`, { email: 'ada@example.com' });
  assert.match(jobId, /^[0-9]+$/);
  const counts = await (await fetch(`${app}/orders`)).json();
  assert.deepEqual(counts, { orders: 1, jobs: 1 });
}
