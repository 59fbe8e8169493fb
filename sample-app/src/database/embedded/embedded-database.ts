import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { log } from '../../bootstrap/log.js';
import { StartError } from '../../bootstrap/start-error.js';
import type { Database } from '../database.js';
import type { KeeperAnswer } from './keeper-answer.js';
import type { Place } from './place.js';
import { CREDENTIALS } from './server.js';

const KEEPER = fileURLToPath(new URL('./keeper.js', import.meta.url));

/** Starts Postgres by way of its keeper, and has it stopped on `close`. */
export async function startEmbedded(place: Place): Promise<Database> {
  const keeper = spawn(process.execPath, [KEEPER, JSON.stringify(place)], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  keeper.stdin.on('error', () => undefined);
  const answer = await firstLine(keeper);
  if ('error' in answer) throw new StartError(answer.error);
  let closing = false;
  keeper.once('exit', () => {
    if (!closing) log(`Postgres has stopped unexpectedly; see postgres.log in ${place.home}`);
  });
  const { user, password } = CREDENTIALS;
  return {
    url: `postgres://${user}:${password}@127.0.0.1:${answer.port}/river_sample`,
    maintenanceUrl: `postgres://${user}:${password}@127.0.0.1:${answer.port}/postgres`,
    where: `embedded Postgres, data in ${place.data}`,
    close: async () => {
      closing = true;
      if (keeper.exitCode !== null) return;
      const ended = once(keeper, 'exit');
      keeper.stdin.end();
      await ended;
    },
  };
}

async function firstLine(keeper: ChildProcess): Promise<KeeperAnswer> {
  const lines = keeper.stdout === null ? [] : createInterface(keeper.stdout);
  for await (const line of lines) return JSON.parse(line) as KeeperAnswer;
  return { error: 'The process that keeps Postgres ended without an answer.' };
}
