import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { StartError } from '../../bootstrap/start-error.js';
import type { KeeperAnswer } from './keeper-answer.js';
import { claim } from './leftovers.js';
import type { Place } from './place.js';
import { initialise, start } from './server.js';

/*
 * A process of its own, between the application and Postgres. It stops Postgres when its standard
 * input closes, and that happens whichever way the application ends, also by `kill -9`. It is in a
 * session of its own, so a Ctrl-C in the terminal does not reach the database before the
 * application has let go of it.
 */

const place = JSON.parse(process.argv[2] ?? '') as Place;
const gone = new AbortController();
const applicationIsGone = once(process.stdin.resume(), 'close').then(() => gone.abort());
// The application may be gone before it has read the answer.
process.stdout.on('error', () => undefined);

try {
  const giveUp = await claim(place);
  try {
    await initialise(place, gone.signal);
    const { postgres, port } = await start(place);
    const ended = once(postgres, 'exit');
    answer({ port });
    await Promise.race([applicationIsGone, ended]);
    await stop(postgres);
  } finally {
    await giveUp();
  }
} catch (error) {
  answer({ error: messageOf(error) });
  process.exitCode = 1;
}
process.stdin.destroy();

function answer(message: KeeperAnswer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** SIGINT ends sessions and stops in order; SIGQUIT, if that hangs, leaves recovery to the next start. */
async function stop(postgres: ChildProcess): Promise<void> {
  if (postgres.exitCode !== null || postgres.signalCode !== null) return;
  const ended = once(postgres, 'exit');
  postgres.kill('SIGINT');
  const impatience = setTimeout(() => postgres.kill('SIGQUIT'), 10_000);
  await ended;
  clearTimeout(impatience);
}

function messageOf(error: unknown): string {
  if (error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
