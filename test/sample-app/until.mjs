import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until `ask` answers with something; an error counts as "not yet". */
export async function until(what, withinMs, ask) {
  let last;
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(100)) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
  }
  throw new Error(`${what}: not within ${withinMs / 1000} s${last ? ` (${last.message})` : ''}`);
}

/** Thrown by `ask` when waiting on makes no sense. */
export class Hopeless extends Error {}
