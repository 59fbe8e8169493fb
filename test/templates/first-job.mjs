import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { mustSucceed, startCommand } from '../compat/command.mjs';
import { post, whileItRuns } from './application.mjs';

const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const LIMIT_MS = 180_000;
const TRIES = 600;

/**
 * The major of `@nestjs/typeorm` that README.md installs for a major of Nest.
 *
 * @param {string} nest
 */
export function nestTypeormFor(nest) {
  const lines = README.matchAll(
    /^npm install nestjs-river @nestjs\/typeorm@(\d+) .*# Nest (.*)$/gm,
  );
  const found = [...lines].find(([, , versions = '']) => versions.split(', ').includes(nest));
  assert.ok(found?.[1], `README.md has no line that installs for Nest ${nest}`);
  return found[1];
}

/**
 * Follows the first chapters of README.md in an application: pastes their files, and runs the
 * scripts of the template and the Go worker.
 *
 * @param {object} application
 * @param {string} application.folder with OrdersModule, which is taken out
 * @param {Record<string, string>} application.env
 * @param {readonly string[]} application.run
 * @param {import('../compat/report.mjs').Report} application.report
 */
export async function tryFirstJob({ folder, env, run, report }) {
  const [program = '', ...args] = run;
  const command = (/** @type {readonly string[]} */ [name = '', ...rest], cwd = folder) =>
    mustSucceed(name, rest, { cwd, limitMs: LIMIT_MS, env });
  const script = (/** @type {string} */ name) => command([program, ...args, name]);
  const checks = {
    'the first job of README.md, build': async () => {
      await paste(folder);
      await script('build');
    },
    'the first job, worked by Go': async () => {
      await command(['npx', 'nestjs-river', 'migrate-down', '--target-version', '0']);
      const worker = join(folder, 'worker');
      for (const go of ['mod init worker', 'mod tidy', 'build -buildvcs=false -o worker .']) {
        await command(['go', ...go.split(' ')], worker);
      }
      const start = [...run, 'start:prod'];
      await whileItRuns({ folder, command: start, env }, (url) => insertAndWork(url, worker, env));
    },
    'the first job, test': () => script('test'),
    'the first job, test:e2e': () => script('test:e2e'),
    'the first job, format and lint change nothing': async () => {
      const before = await pasted(folder);
      await script('format');
      await script('lint');
      assert.deepEqual(await pasted(folder), before);
    },
  };
  for (const [what, check] of Object.entries(checks)) {
    if (!(await report.check(what, check))) return;
  }
}

/** The files that snippets of README.md name in their first lines. */
const FILES = [...README.matchAll(/^```(?:ts|go)\n(\/\/ (\S+\.(?:ts|go))\n.*?)^```$/gms)].map(
  ([, text = '', path = '']) => ({ path, text }),
);

/** @param {string} folder */
async function paste(folder) {
  assert.ok(FILES.length >= 5, 'README.md shows the files of the first job');
  for (const orders of ['src/orders', 'test/orders.e2e-spec.ts']) {
    await rm(join(folder, orders), { recursive: true });
  }
  const { type } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const ending = type === 'module' ? '.js' : '';
  for (const { path, text } of FILES) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text.replace(/(from '\.[^']*)';$/gm, `$1${ending}';`));
  }
  await addToModule(join(folder, 'src/app.module.ts'), ending);
}

/** @param {string} path @param {string} ending of imports */
async function addToModule(path, ending) {
  const text = await readFile(path, 'utf8');
  const imports = [
    "import { APP_FILTER } from '@nestjs/core';",
    `import { RiverErrorFilter } from './river-error.filter${ending}';`,
    `import { SortModule } from './sort.module${ending}';`,
  ];
  const edited = text
    .replace(/^import .*OrdersModule.*\n/m, `${imports.join('\n')}\n`)
    .replace('OrdersModule', 'SortModule')
    .replace(
      'providers: [AppService]',
      'providers: [AppService, { provide: APP_FILTER, useClass: RiverErrorFilter }]',
    );
  await writeFile(path, edited);
}

/** @param {string} folder */
function pasted(folder) {
  return Promise.all(FILES.map(({ path }) => readFile(join(folder, path), 'utf8')));
}

/** @param {string} app @param {string} folder @param {Record<string, string>} env */
async function insertAndWork(app, folder, env) {
  const { jobId } = await post(`${app}/sort`, { strings: ['whale', 'tiger'] });
  assert.match(jobId, /^[0-9]+$/);
  const job = `${app}/sort/${jobId}`;
  assert.deepEqual(await (await fetch(job)).json(), { state: 'available' });
  assert.equal((await fetch(`${app}/sort/999999`)).status, 404);
  assert.equal((await fetch(`${app}/sort/whale`)).status, 400);

  const worker = startCommand(join(folder, 'worker'), [], { cwd: folder, limitMs: LIMIT_MS, env });
  try {
    await worker.printed('sorted [tiger whale]');
    let state = '';
    for (let tries = 0; state !== 'completed' && tries < TRIES; tries++) {
      if (tries > 0) await setTimeout(50);
      ({ state } = await (await fetch(job)).json());
    }
    assert.equal(state, 'completed');
  } finally {
    worker.end();
    await worker.ended;
  }
}
