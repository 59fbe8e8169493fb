import { promised } from './promised.js';

/** Runs one thing after the other, in the turn in which each was asked for. */
export class StatementQueue {
  readonly #isPipelined: boolean;
  /** Settled when all asked for so far is done; never rejects. */
  #tail: Promise<unknown> = Promise.resolve();
  /** The same, of what nothing may overtake. */
  #barrier = this.#tail;

  #left = 0;

  /** @param isPipelined whether statements are sent before those before them are answered */
  constructor(isPipelined = false) {
    this.#isPipelined = isPipelined;
  }

  /**
   * @param isAlone it begins when all before it is done, and all after it when it is done
   * @param onEnd told that it is done, before anybody else is
   */
  push<T>(
    run: () => Promise<T>,
    isAlone = !this.#isPipelined,
    onEnd?: (failure?: unknown) => void,
  ): Promise<T> {
    const tail = this.#tail;
    const before = isAlone ? tail : this.#barrier;
    const isFirst = this.isIdle;
    this.#left++;
    const answer = isFirst ? promised(run) : before.then(run);
    const done = (failure?: unknown): void => {
      this.#left--;
      onEnd?.(failure);
    };
    const ended = answer.then(() => done(), done);
    // `run` may have asked for something itself: a logger that writes over the same connection.
    const isLast = this.#tail === tail;
    this.#tail = isAlone && isLast ? ended : Promise.all([this.#tail, ended]).then(() => undefined);
    if (isAlone) this.#barrier = this.#tail;
    return answer;
  }

  /** How much is asked for and not done, what is under way included. */
  get length(): number {
    return this.#left;
  }

  get isIdle(): boolean {
    return this.#left === 0;
  }

  /** Waits until nothing is left, also of what was asked for while waiting. */
  async idle(): Promise<void> {
    let seen: Promise<unknown>;
    do {
      seen = this.#tail;
      await seen;
    } while (seen !== this.#tail);
  }

  /** Identifies the last thing asked for: unchanged as long as nothing new is. */
  get mark(): unknown {
    return this.#tail;
  }
}
