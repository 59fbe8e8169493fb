/** Runs one thing after the other, in the turn in which each was asked for. */
export class StatementQueue {
  /** Settled when the last thing asked for so far is done; never rejects. */
  #tail: Promise<unknown> = Promise.resolve();

  #left = 0;

  push<T>(run: () => Promise<T>): Promise<T> {
    const answer = this.#tail.then(run);
    const done = (): void => void this.#left--;
    this.#left++;
    this.#tail = answer.then(done, done);
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
