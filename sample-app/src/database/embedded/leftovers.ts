import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../bootstrap/start-error.js';
import type { Place } from './place.js';
import { isAlive, isRunning } from './process-table.js';

/**
 * Makes this process the only keeper of the data folder, whatever earlier ones have left behind.
 * Returns a function that gives the folder up again.
 */
export async function claim(place: Place): Promise<() => Promise<void>> {
  const pidFile = join(place.home, 'postgres.keeper');
  await previousKeeperIsGone(place, pidFile);
  await rm(pidFile, { force: true });
  await writeFile(pidFile, String(process.pid), { flag: 'wx' });
  await removeLeftovers(place);
  return () => rm(pidFile, { force: true });
}

/** A keeper whose application was killed needs a moment to stop Postgres. */
async function previousKeeperIsGone(place: Place, pidFile: string): Promise<void> {
  const pid = await firstNumber(pidFile);
  if (pid === undefined || (await hasEnded(pid, place, 8000))) return;
  throw new StartError(
    `The data in ${place.data} is in use (process ${pid}): is the sample running already? Stop it, ` +
      'or choose another folder: SAMPLE_DATA_DIR=... npm start',
  );
}

/**
 * With no keeper about, a Postgres on this folder is an orphan: it is stopped. And a lock file may
 * name a process id that something else has by now, which Postgres would take for itself.
 */
export async function removeLeftovers(place: Place): Promise<void> {
  const lockFile = join(place.data, 'postmaster.pid');
  const pid = await firstNumber(lockFile);
  if (pid === undefined) return;
  if (await isRunning(pid, place.data)) {
    process.kill(pid, 'SIGINT');
    if (await hasEnded(pid, place, 15_000)) return;
    throw new StartError(`A Postgres left behind (process ${pid}) does not stop. Stop it by hand.`);
  }
  if (isAlive(pid)) await rm(lockFile, { force: true });
}

async function hasEnded(pid: number, place: Place, withinMs: number): Promise<boolean> {
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(50)) {
    if (!(await isRunning(pid, place.data))) return true;
  }
  return false;
}

async function firstNumber(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
