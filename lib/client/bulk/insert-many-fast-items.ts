import { describeValue } from '../../errors/describe-value.js';
import { InsertItemsError } from '../../errors/insert-errors.js';
import { InvalidJobError, unreadable } from '../../errors/invalid-errors.js';
import { reading } from '../../errors/reading.js';
import type { InsertParams } from '../../insert/insert-params.js';
import type { JobSource } from '../../postgres/copy/copy-feed.js';
import { copyLimits } from '../../postgres/copy/copy-limits.js';
import { endsWithin } from '../../abort-signal.js';

type Next = IteratorResult<unknown>;
interface AnyIterator {
  next(): Next | PromiseLike<Next>;
  return?(): unknown;
}

/** Reads items one by one, and makes jobs of them. */
export class FastItems implements JobSource {
  readonly #open: () => AnyIterator;
  readonly #makeJob: (item: unknown) => InsertParams;
  #iterator: AnyIterator | undefined;
  #index = 0;
  #isReading = false;
  #isOver = false;

  /**
   * @param makeJob checks and encodes one item
   * @throws InvalidJobError when `items` hand out nothing
   */
  constructor(items: unknown, makeJob: (item: unknown) => InsertParams) {
    this.#open = reading(unreadable('jobs', 'RIVER_INVALID_ITEMS'), () => iteratorOf(items));
    this.#makeJob = makeJob;
  }

  async read(take: (job: InsertParams) => boolean): Promise<boolean> {
    while (!this.#isOver) {
      // Here and not in a function of its own: a promise more for each item costs too much.
      let next: Next;
      try {
        const answer = (this.#iterator ??= this.#open()).next();
        this.#isReading = isPromise(answer);
        next = checkNext(isPromise(answer) ? await answer : answer);
      } catch (cause) {
        throw this.#failure(cause);
      } finally {
        this.#isReading = false;
      }
      // The insert has ended meanwhile.
      if (this.#isOver) return false;
      if (next.done === true) {
        this.#isOver = true;
        return false;
      }
      if (!take(this.#jobOf(next.value))) return true;
    }
    return false;
  }

  /**
   * Lets the iterator clean up, unless it has ended. One that is busy does so when it is done, and one
   * that takes long is not waited for without end.
   */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    // Why the insert failed is known; what goes wrong from here on changes nothing.
    const closed = (async () => await this.#iterator?.return?.())().catch(() => undefined);
    if (this.#isReading) return;
    await endsWithin(copyLimits.closeWithinMs, closed);
  }

  #jobOf(item: unknown): InsertParams {
    try {
      return this.#makeJob(item);
    } catch (error) {
      throw error instanceof InvalidJobError ? error.at(this.#index) : error;
    } finally {
      this.#index++;
    }
  }

  /** An iterator that has thrown is done, and is not asked to clean up. */
  #failure(cause: unknown): InsertItemsError {
    this.#isOver = true;
    return new InsertItemsError(`jobs[${this.#index}]: reading it threw an error (see cause)`, {
      index: this.#index,
      cause,
    });
  }
}

function isPromise(answer: Next | PromiseLike<Next>): answer is PromiseLike<Next> {
  return typeof (answer as Partial<PromiseLike<Next>> | null)?.then === 'function';
}

function checkNext(answer: unknown): Next {
  if (typeof answer === 'object' && answer !== null) return answer as Next;
  throw new TypeError(`the iterator's next() must answer an object; got ${describeValue(answer)}`);
}

function iteratorOf(items: unknown): () => AnyIterator {
  if (typeof items === 'object' && items !== null) {
    const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = items as {
      [Symbol.asyncIterator]?: () => AnyIterator;
      [Symbol.iterator]?: () => AnyIterator;
    };
    const open = async ?? sync;
    if (typeof open === 'function') return () => open.call(items);
  }
  throw new InvalidJobError(
    `jobs: must be an array, an iterable or an async iterable; got ${describeValue(items)}.`,
    { code: 'RIVER_INVALID_ITEMS', field: 'jobs' },
  );
}
