import { randomBytes } from 'node:crypto';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../bootstrap/port.js';
import { StartError } from '../../bootstrap/start-error.js';
import type { Place } from './place.js';

/** The superuser of the embedded Postgres. The application itself works as an ordinary role. */
export const SUPERUSER = 'postgres';

const passwordFileOf = ({ data }: Place): string => `${data}.password`;

/** The password of the superuser, which was chosen at random when the data folder was made. */
export async function superuserPassword(place: Place): Promise<string> {
  try {
    return await readFile(passwordFileOf(place), 'utf8');
  } catch {
    throw new StartError(
      `${passwordFileOf(place)} is missing: the data in ${place.data} is of an earlier version of the ` +
        'sample. Remove that folder, and start again.',
    );
  }
}

/**
 * Made once, under another name: a first start that was interrupted must not leave a data folder
 * that the next one takes for complete.
 */
export async function initialise(place: Place, signal: AbortSignal): Promise<void> {
  if ((await stat(join(place.data, 'PG_VERSION')).catch(() => undefined)) !== undefined) return;
  const unfinished = `${place.data}.unfinished`;
  const passwordFile = passwordFileOf(place);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  for (const path of [unfinished, passwordFile]) {
    if (place.user !== undefined) await chown(path, place.user.uid, place.user.gid);
  }
  await promisify(execFile)(
    join(place.native, 'bin', 'initdb'),
    // The locale that Postgres brings itself: the same on every system.
    [`--pgdata=${unfinished}`, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`]
      .concat('--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions')
      .concat('--locale-provider=builtin', '--builtin-locale=C.UTF-8'),
    { ...processOptions(place), signal },
  );
  await rename(unfinished, place.data);
}

/** Starts Postgres and waits until it takes connections. */
export async function start(place: Place): Promise<{ postgres: ChildProcess; port: number }> {
  const port = await freePort();
  const logFile = await open(join(place.home, 'postgres.log'), 'w');
  const postgres = spawn(
    join(place.native, 'bin', 'postgres'),
    ['-D', place.data, '-p', String(port)]
      .concat('-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=')
      .concat('-c', 'lc_messages=C'),
    { ...processOptions(place), stdio: ['ignore', logFile.fd, logFile.fd] },
  );
  // A program that cannot be run at all ends by this event alone.
  const failed = new Promise<never>((_, reject) => postgres.once('error', reject));
  await logFile.close();
  await Promise.race([failed, untilReady(postgres, place)]);
  return { postgres, port };
}

/** Postgres writes its state into the eighth line of its lock file. */
async function untilReady(postgres: ChildProcess, place: Place): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(40)) {
    if (postgres.exitCode !== null || postgres.signalCode !== null) break;
    const lock = await readFile(join(place.data, 'postmaster.pid'), 'utf8').catch(() => '');
    const lines = lock.split('\n');
    if (Number(lines[0]) === postgres.pid && lines[7]?.trim() === 'ready') return;
  }
  postgres.kill('SIGQUIT');
  const log = await readFile(join(place.home, 'postgres.log'), 'utf8').catch(() => '');
  throw new Error(`Postgres did not start:\n${log.trim().split('\n').slice(-8).join('\n')}`);
}

/** `cwd` is a folder that the user can be in: where npm was started may be closed to him. */
function processOptions(place: Place) {
  return {
    cwd: place.home,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    ...(place.user === undefined ? {} : { uid: place.user.uid, gid: place.user.gid }),
  };
}
