import type { Handler } from '../attempt/handler.js';

/** The kinds that one claim asks for, and how many jobs of them at most. */
export interface ClaimedKinds {
  /** undefined: all kinds but those of `without`. */
  readonly kinds: readonly string[] | undefined;
  readonly without: readonly string[] | undefined;
  /** The kind whose jobs are counted; undefined: those without a limit. */
  readonly limited: Handler | undefined;
}

/**
 * Counts the jobs under way of kinds that have a `maxConcurrent`. Each of these is claimed by a statement of
 * its own, so that no more are claimed than may run.
 */
export class KindLimits {
  readonly #running = new Map<Handler, number>();
  readonly #listeners = new Set<() => void>();
  /** What a round of claims asks for, one after another. */
  readonly claims: readonly ClaimedKinds[];

  /** @param onlyKnown whether jobs of other kinds are left for other workers */
  constructor(handlers: readonly Handler[], onlyKnown: boolean) {
    const limited = handlers.filter(({ options }) => options.maxConcurrent !== undefined);
    const kindsOf = (some: readonly Handler[]): string[] =>
      some.flatMap(({ kinds }) => kinds).sort();
    const free = handlers.filter((handler) => !limited.includes(handler));
    const others: ClaimedKinds = onlyKnown
      ? { kinds: kindsOf(free), without: undefined, limited: undefined }
      : {
          kinds: undefined,
          without: limited.length === 0 ? undefined : kindsOf(limited),
          limited: undefined,
        };
    this.claims = [
      ...limited.map((handler) => ({
        kinds: handler.kinds,
        without: undefined,
        limited: handler,
      })),
      ...(onlyKnown && free.length === 0 ? [] : [others]),
    ];
  }

  /** How many more jobs of a kind may begin. */
  room(handler: Handler | undefined): number {
    const most = handler?.options.maxConcurrent;
    if (handler === undefined || most === undefined) return Infinity;
    return Math.max(0, most - (this.#running.get(handler) ?? 0));
  }

  began(handler: Handler): void {
    this.#running.set(handler, (this.#running.get(handler) ?? 0) + 1);
  }

  ended(handler: Handler): void {
    this.#running.set(handler, (this.#running.get(handler) ?? 1) - 1);
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` when there is room for another job of a limited kind. */
  onRoom(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
