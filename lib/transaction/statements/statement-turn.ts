import { AsyncLocalStorage } from 'node:async_hooks';

/** What a turn needs of the queue for the statements within it. */
interface InnerQueue {
  push<T>(run: () => Promise<T>, isAlone: true, onEnd?: (failure?: unknown) => void): Promise<T>;
  idle(): Promise<void>;
}

const turns = new AsyncLocalStorage<StatementTurn>();
/** Turns that are open in this process: without any, no statement has to look for its own. */
let open = 0;

/**
 * A pause in a statement's turn of the queue, in which code that the statement waits for may send
 * statements of its own. They go one after the other through a queue of the turn's own.
 */
export class StatementTurn {
  readonly #connection: object;
  readonly #outer = turns.getStore();
  readonly #makeQueue: () => InnerQueue;
  #queue: InnerQueue | undefined;
  #isOver = false;

  /** @param makeQueue makes the queue within the turn, once something is asked for */
  constructor(connection: object, makeQueue: () => InnerQueue) {
    this.#connection = connection;
    this.#makeQueue = makeQueue;
    open++;
  }

  /** The innermost turn on this connection that the running code is in and that is still open. */
  static find(connection: object): StatementTurn | undefined {
    let turn = turns.getStore();
    while (turn !== undefined && (turn.#isOver || turn.#connection !== connection))
      turn = turn.#outer;
    return turn;
  }

  /** Runs code whose statements are sent within this turn. */
  enter<T>(work: () => T): T {
    return turns.run(this, work);
  }

  push<T>(run: () => Promise<T>, onEnd?: (failure?: unknown) => void): Promise<T> {
    this.#queue ??= this.#makeQueue();
    return this.#queue.push(run, true, onEnd);
  }

  /** Ends it when nothing asked for within is left. What comes later queues like everything else. */
  async end(): Promise<void> {
    await this.#queue?.idle();
    this.#isOver = true;
    open--;
  }
}

/** See {@link StatementTurn.find}. */
export function turnOn(connection: object): StatementTurn | undefined {
  return open === 0 ? undefined : StatementTurn.find(connection);
}
