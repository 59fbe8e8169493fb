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
  /** Whose claims had less room for a kind than there may be jobs of it. */
  readonly #short = new Map<Handler, Set<() => void>>();

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

  /**
   * Takes the room of one claim for so many slots.
   *
   * @param onRoom called once when a kind for which the claim had too little room has some again
   */
  take(slots: number, onRoom: () => void): TakenRoom {
    this.forget(onRoom);
    const shares: ClaimShare[] = [];
    const taken = new Map<Handler, number>();
    const isShortOf = (handler: Handler): void => this.#isShortOf(handler, onRoom);
    for (const { limited, ...kinds } of this.#groups) {
      const most = limited === undefined ? slots : Math.min(slots, this.#room(limited));
      if (most > 0) shares.push({ ...kinds, most });
      if (limited === undefined) continue;
      if (most <= 0) isShortOf(limited);
      else {
        taken.set(limited, most);
        this.#taken.set(limited, (this.#taken.get(limited) ?? 0) + most);
      }
    }
    return new TakenRoom(shares, { taken, isShortOf, giveBack: (some) => this.#giveBack(some) });
  }

  /** A job of a kind that {@link TakenRoom.use} returned has ended. */
  ended(handler: Handler): void {
    this.#giveBack(new Map([[handler, 1]]));
  }

  /** Calls it no more. */
  forget(onRoom: () => void): void {
    for (const waiting of this.#short.values()) waiting.delete(onRoom);
  }

  #isShortOf(handler: Handler, onRoom: () => void): void {
    const waiting = this.#short.get(handler) ?? new Set();
    this.#short.set(handler, waiting.add(onRoom));
  }

  #room(handler: Handler): number {
    return (handler.options.maxConcurrent ?? Infinity) - (this.#taken.get(handler) ?? 0);
  }

  #giveBack(some: ReadonlyMap<Handler, number>): void {
    for (const [handler, count] of some) {
      if (count === 0) continue;
      this.#taken.set(handler, (this.#taken.get(handler) ?? 0) - count);
      const waiting = this.#short.get(handler);
      this.#short.delete(handler);
      waiting?.forEach((onRoom) => onRoom());
    }
  }
}

/** The room of one claim. */
export class TakenRoom {
  /** What the claim asks for. */
  readonly shares: readonly ClaimShare[];
  readonly #left: Map<Handler, number>;
  readonly #isShortOf: (handler: Handler) => void;
  readonly #giveBack: (some: ReadonlyMap<Handler, number>) => void;

  constructor(
    shares: readonly ClaimShare[],
    {
      taken,
      isShortOf,
      giveBack,
    }: {
      readonly taken: Map<Handler, number>;
      readonly isShortOf: (handler: Handler) => void;
      readonly giveBack: (some: ReadonlyMap<Handler, number>) => void;
    },
  ) {
    this.shares = shares;
    this.#left = taken;
    this.#isShortOf = isShortOf;
    this.#giveBack = giveBack;
  }

  /** Uses the room of one job. Returns its handler, if its kind has a limit. */
  use(kind: string): Handler | undefined {
    for (const [handler, left] of this.#left) {
      if (!handler.kinds.includes(kind)) continue;
      this.#left.set(handler, left - 1);
      if (left === 1) this.#isShortOf(handler);
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
