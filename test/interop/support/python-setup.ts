import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const REQUIREMENTS = resolve('test/interop/python/requirements.txt');

/** The Python that has River's client, or why there is none. */
export type Python =
  | { readonly executable: string; readonly missing?: undefined }
  | { readonly executable?: undefined; readonly missing: string };

/** Installs River's Python client into an environment of its own, once for its requirements. */
export async function preparePython(): Promise<Python> {
  const run = promisify(execFile);
  const hash = createHash('sha256').update(await readFile(REQUIREMENTS));
  const environments = resolve('node_modules/.cache/nestjs-river/python');
  const environment = join(environments, hash.digest('hex').slice(0, 12));
  const executable = join(environment, 'bin/python');
  if (existsSync(executable)) return { executable };
  const unfinished = `${environment}.${process.pid}`;
  await rm(environments, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', unfinished]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(join(unfinished, 'bin/python'), [...pip, '-r', REQUIREMENTS], { timeout: 120_000 });
    await rename(unfinished, environment);
    return { executable };
  } catch (error) {
    return { missing: `no Python 3 with River's client (${reason(error)})` };
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** The last words of a command that failed, or why it was not started. */
function reason(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr || message).trim().split('\n').at(-1) ?? '';
}
