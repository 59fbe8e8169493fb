import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { log } from '../../bootstrap/log.js';
import type { Shutdown } from '../../bootstrap/shutdown.js';
import { StartError } from '../../bootstrap/start-error.js';
import type { Database } from '../database.js';
import type { KeeperAnswer } from './keeper-answer.js';
import { removeLeftovers } from './leftovers.js';
import type { Place } from './place.js';
import { SUPERUSER, superuserPassword } from './server.js';

const KEEPER = fileURLToPath(new URL('./keeper.js', import.meta.url));

/**
 * Starts Postgres by way of its keeper. It is told to `shutdown` before it has started: a first
 * start takes seconds, and may be interrupted in them.
 */
export async function startEmbedded(place: Place, shutdown: Shutdown): Promise<Database> {
  const keeper = spawn(process.execPath, [KEEPER, JSON.stringify(place)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  keeper.stdin.on('error', () => undefined);
  const ended = once(keeper, 'exit');
  shutdown.add('the database', async () => {
    keeper.stdin.end();
    await ended;
    // Nothing, unless the keeper has been killed.
    await removeLeftovers(place);
  });

  const answer = await firstLine(keeper);
  if ('error' in answer) throw new StartError(answer.error);
  void ended.then(() => {
    if (!shutdown.isUnderWay) log(`Postgres has stopped; see postgres.log in ${place.home}`);
  });
  const server = `127.0.0.1:${answer.port}`;
  // The role's password is set at each start, so nobody has to keep it.
  const password = randomBytes(24).toString('base64url');
  return {
    url: `postgres://river_sample:${password}@${server}/river_sample`,
    maintenanceUrl: `postgres://${SUPERUSER}:${await superuserPassword(place)}@${server}/postgres`,
    where: `embedded Postgres, data in ${place.data}`,
  };
}

async function firstLine(keeper: ChildProcess): Promise<KeeperAnswer> {
  const lines = keeper.stdout === null ? [] : createInterface(keeper.stdout);
  for await (const line of lines) return JSON.parse(line) as KeeperAnswer;
  return { error: 'The process that keeps Postgres ended without an answer.' };
}
