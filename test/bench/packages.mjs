// What must be there before a run: the peers' packages, a Node that they run on, River's Go client.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SUBJECTS } from './subjects.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GO_PROGRAM = `${HERE}go/bin/river-go`;
const run = promisify(execFile);

/**
 * @param names of the subjects that take part
 * @returns `commandOf(name, options)`: program and arguments of a subject's process
 */
export async function prepareSubjects(names) {
  if (!existsSync(`${ROOT}dist/lib/index.js`)) throw new Error('Build first: npm run build');
  const isNewer = names.some((name) => SUBJECTS[name].isNewer);
  if (isNewer) await installPackages();
  if (names.some((name) => SUBJECTS[name].module === 'go')) await buildGo();
  // All on the same Node: the peers' where peers take part, else the one that runs this.
  const node = isNewer ? `${HERE}node_modules/node/bin/node` : process.execPath;
  return (name, url, flags = []) => {
    const { module, ...variant } = SUBJECTS[name];
    if (module === 'go') return [GO_PROGRAM, url, ...(variant.tuned ? ['tuned'] : [])];
    const script = `${HERE}child.mjs`;
    const { pipeline, tuned } = variant;
    return [
      node,
      '--expose-gc',
      ...flags,
      script,
      JSON.stringify({ module, url, pipeline, tuned }),
    ];
  };
}

async function installPackages() {
  // npm writes this one last, so that it is as old as what is installed.
  const isInstalled =
    modified(`${HERE}node_modules/.package-lock.json`) >= modified(`${HERE}package-lock.json`);
  if (isInstalled) return;
  console.error('Installing the packages of test/bench …');
  await run('npm', ['ci'], { cwd: HERE });
}

/** Not there: before everything else. */
function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function buildGo() {
  console.error("Building River's Go client …");
  try {
    await run('go', ['build', '-buildvcs=false', '-trimpath', '-o', GO_PROGRAM, '.'], {
      cwd: `${HERE}go`,
    });
  } catch (error) {
    const why = error.code === 'ENOENT' ? 'there is no Go on the PATH' : error.stderr;
    throw new Error(`River's Go client was not built: ${why}\nWithout it: --subjects ours,raw,…`, {
      cause: error,
    });
  }
}

/** Versions of what was compared, by the files that fix them. */
export function versions() {
  const { devDependencies } = JSON.parse(readFileSync(`${HERE}package.json`, 'utf8'));
  const installed = (name) =>
    JSON.parse(readFileSync(`${ROOT}node_modules/${name}/package.json`, 'utf8')).version;
  const [, river] = /riverqueue\/river (v\S+)/.exec(readFileSync(`${HERE}go/go.mod`, 'utf8'));
  return {
    pg: installed('pg'),
    typeorm: installed('typeorm'),
    'pg-copy-streams': installed('pg-copy-streams'),
    'river-go': river,
    'pg-boss': devDependencies['pg-boss'],
    'graphile-worker': devDependencies['graphile-worker'],
  };
}
