import { beforeSettled, promised } from './promised.js';
import { turnOn, type StatementTurn } from './statement-turn.js';

/** The end of something, with a promise only where somebody waits for it. */
class End {
  #isReached = false;
  #promise: Promise<unknown> | undefined;
  #resolve: (() => void) | undefined;

  /** Settles when it is reached. Never rejects. */
  get promise(): Promise<unknown> {
    return (this.#promise ??= this.#isReached
      ? Promise.resolve()
      : new Promise<void>((resolve) => (this.#resolve = resolve)));
  }

  reach(): void {
    this.#isReached = true;
    this.#resolve?.();
  }

  static ofBoth(first: End, second: End): End {
    const both = new End();
    void Promise.all([first.promise, second.promise]).then(() => both.reach());
    return both;
  }
}

/** Runs one statement after the other, in the order in which they were asked for. */
export class StatementQueue {
  readonly #connection: object;
  readonly #isPipelined: boolean;
  /** The turn that the queue was made in: its own statements are not within one of them. */
  readonly #turn: StatementTurn | undefined;
  /** When everything asked for so far is done. */
  #tail = new End();
  /** When everything that nothing may overtake is done. */
  #barrier = this.#tail;
  #left = 0;

  /**
   * @param connection identifies the connection that the statements are sent on
   * @param isPipelined whether statements are sent before those before them are answered
   */
  constructor(connection: object, isPipelined = false) {
    this.#connection = connection;
    this.#isPipelined = isPipelined;
    this.#turn = turnOn(connection);
    this.#tail.reach();
  }

  /**
   * @param isAlone it begins when all before it is done, and all after it when it is done
   * @param onEnd called when it is done, before the answer settles
   */
  push<T>(
    run: () => Promise<T>,
    isAlone = !this.#isPipelined,
    onEnd?: (failure?: unknown) => void,
  ): Promise<T> {
    const turn = turnOn(this.#connection);
    // A subscriber asks for it, and the statement under way waits for that subscriber.
    if (turn !== this.#turn && turn !== undefined) return turn.push(run, onEnd);
    const before = isAlone ? this.#tail : this.#barrier;
    const isFirst = this.isIdle;
    this.#left++;
    // Known before it begins: a logger that it calls may ask for a statement of its own.
    const end = new End();
    this.#tail = isAlone ? end : End.ofBoth(this.#tail, end);
    if (isAlone) this.#barrier = end;
    const answer = isFirst ? promised(run) : before.promise.then(run);
    return beforeSettled(answer, (failure) => {
      this.#left--;
      onEnd?.(failure);
      end.reach();
    });
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
    let seen: End;
    do {
      seen = this.#tail;
      await seen.promise;
    } while (seen !== this.#tail);
  }

  /** Identifies the last thing asked for: unchanged as long as nothing new is. */
  get mark(): unknown {
    return this.#tail;
  }
}
