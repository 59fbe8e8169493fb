import type { ClaimShare } from '../../postgres/worker/claim-statement.js';
import type { Handler } from '../attempt/handler.js';

/** Kinds that are claimed together. */
interface Group extends Omit<ClaimShare, 'most'> {
  /** Whose jobs are counted; undefined: those without a limit. */
  readonly limited: Handler | undefined;
}

/**
 * Counts the jobs of kinds that have a `maxConcurrent`, in all queues of a worker. A claim takes the room that
 * it may need before it is sent, so that two claims at once do not exceed a limit.
 */
export class KindLimits {
  readonly #groups: readonly Group[];
  /** Jobs under way, and those that a claim may find. */
  readonly #taken = new Map<Handler, number>();
  readonly #listeners = new Set<() => void>();

  /** @param onlyKnown whether jobs of other kinds are left for other workers */
  constructor(handlers: readonly Handler[], onlyKnown: boolean) {
    const limited = handlers.filter(({ options }) => options.maxConcurrent !== undefined);
    const free = handlers.filter((handler) => !limited.includes(handler));
    const others: Group = onlyKnown
      ? { kinds: kindsOf(free), without: undefined, limited: undefined }
      : {
          kinds: undefined,
          without: limited.length === 0 ? undefined : kindsOf(limited),
          limited: undefined,
        };
    this.#groups = [
      ...(onlyKnown && free.length === 0 ? [] : [others]),
      ...limited.map((handler) => ({
        kinds: handler.kinds,
        without: undefined,
        limited: handler,
      })),
    ];
  }

  /** Takes the room of one claim for so many slots. */
  take(slots: number): TakenRoom {
    const shares: ClaimShare[] = [];
    const taken = new Map<Handler, number>();
    for (const { limited, ...kinds } of this.#groups) {
      const most = limited === undefined ? slots : Math.min(slots, this.#room(limited));
      if (most <= 0) continue;
      shares.push({ ...kinds, most });
      if (limited === undefined) continue;
      taken.set(limited, most);
      this.#taken.set(limited, (this.#taken.get(limited) ?? 0) + most);
    }
    const isShort = shares.length < this.#groups.length;
    return new TakenRoom(shares, { taken, isShort, giveBack: (some) => this.#giveBack(some) });
  }

  /** A job of a kind that {@link TakenRoom.use} returned has ended. */
  ended(handler: Handler): void {
    this.#giveBack(new Map([[handler, 1]]));
  }

  /** Calls `listener` when there is room for another job of a limited kind. */
  onRoom(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #room(handler: Handler): number {
    return (handler.options.maxConcurrent ?? Infinity) - (this.#taken.get(handler) ?? 0);
  }

  #giveBack(some: ReadonlyMap<Handler, number>): void {
    let isMore = false;
    for (const [handler, count] of some) {
      if (count === 0) continue;
      this.#taken.set(handler, (this.#taken.get(handler) ?? 0) - count);
      isMore = true;
    }
    if (isMore) for (const listener of this.#listeners) listener();
  }
}

/** The room of one claim. */
export class TakenRoom {
  /** What the claim asks for. */
  readonly shares: readonly ClaimShare[];
  /** Whether a kind was left out, or had more jobs than room. */
  isShort: boolean;
  readonly #left: Map<Handler, number>;
  readonly #giveBack: (some: ReadonlyMap<Handler, number>) => void;

  constructor(
    shares: readonly ClaimShare[],
    {
      taken,
      isShort,
      giveBack,
    }: {
      readonly taken: Map<Handler, number>;
      readonly isShort: boolean;
      readonly giveBack: (some: ReadonlyMap<Handler, number>) => void;
    },
  ) {
    this.shares = shares;
    this.isShort = isShort;
    this.#left = taken;
    this.#giveBack = giveBack;
  }

  /** Uses the room of one job. Returns its handler, if its kind has a limit. */
  use(kind: string): Handler | undefined {
    for (const [handler, left] of this.#left) {
      if (!handler.kinds.includes(kind)) continue;
      this.#left.set(handler, left - 1);
      if (left === 1) this.isShort = true;
      return handler;
    }
    return undefined;
  }

  /** Gives the rest back. */
  end(): void {
    this.#giveBack(this.#left);
    this.#left.clear();
  }
}

function kindsOf(handlers: readonly Handler[]): string[] {
  return handlers.flatMap(({ kinds }) => kinds).sort();
}
