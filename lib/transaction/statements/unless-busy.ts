import { clearInterval, setInterval } from '../../real-time.js';

/** After how long statements that wait for each other are considered a deadlock. Tests shorten it. */
export const deadlock = { limitMs: 5_000 };

/** The savepoint that owns a connection. */
interface SavepointOwner {
  readonly hasEnded: boolean;
  /** For how many milliseconds it has had no statement under way. */
  readonly idleForMs: number;
}

/** Waits behind a savepoint; rejects once it has been idle so long that it must be waiting for us. */
export async function unlessBusy<T>(
  current: () => SavepointOwner | undefined,
  answer: Promise<T>,
  timedOut: () => Error,
): Promise<T> {
  answer.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const busy = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      const owner = current();
      if (owner?.hasEnded === false && owner.idleForMs >= deadlock.limitMs) reject(timedOut());
    }, deadlock.limitMs / 10);
  });
  try {
    return await Promise.race([answer, busy]);
  } finally {
    clearInterval(timer);
  }
}
