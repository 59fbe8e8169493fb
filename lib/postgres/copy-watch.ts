import { InsertItemsError } from '../errors/insert-items-error.js';
import type { Others } from './connection.js';
import type { CopyFeed } from './copy-feed.js';
import type { CopyInterrupt } from './copy-interrupt.js';

const LOOK_EVERY_MS = 250;
/** Milliseconds without an item after which items and waiting statements are taken for a deadlock. */
const STALLED_AFTER_MS = 5_000;

/**
 * Runs `work` and looks after it meanwhile: it ends early when its transaction is being rolled back,
 * and when no item comes while a statement waits for the connection, which is most likely what the
 * items wait for themselves.
 */
export async function whileItemsCome<T>(
  { feed, interrupt, others }: { feed: CopyFeed; interrupt: CopyInterrupt; others: Others },
  work: () => Promise<T>,
): Promise<T> {
  let seen = { jobs: -1, at: 0 };
  const timer = setInterval(() => {
    const refusal = others.refusal();
    if (refusal !== undefined) interrupt.raise(refusal);
    const isWaiting = feed.isReading && others.areWaiting();
    if (!isWaiting || feed.jobs !== seen.jobs) seen = { jobs: feed.jobs, at: Date.now() };
    else if (Date.now() - seen.at >= STALLED_AFTER_MS) interrupt.raise(deadlock(feed.jobs));
  }, LOOK_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function deadlock(index: number): InsertItemsError {
  return new InsertItemsError(
    `jobs[${index}]: it did not come for ${STALLED_AFTER_MS} ms, while a statement of the same transaction ` +
      'waited for the connection, which the insert keeps until it has all items. Items must not be read ' +
      'by that transaction: read them before, or in transaction.outside(...)',
    { index },
  );
}
