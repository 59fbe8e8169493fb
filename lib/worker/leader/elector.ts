import { withDeadline } from '../../abort-signal.js';
import { now, sleep } from '../../real-time.js';
import { inOwnContext } from '../own-context.js';
import type { OutageLog } from '../outage-log.js';
import type { Lease, Term } from './lease.js';

/** Milliseconds of the elections of River's client. */
const BID_MS = 5_000;
const BID_JITTER_MS = 1_000;
const AFTER_RESIGNED_MS = 50;
const RENEW_MS = 5_000;
/** How long a term is trusted from the beginning of the last bid or renewal: a second less than the lease. */
const TRUST_MS = 14_000;
const RENEW_LIMIT_MS = 5_000;
const RENEW_PAUSE_MS = [1_000, 2_000, 4_000];
const RESIGN_TRIES_MS = [1_000, 2_000, 3_000];

/** Intervals of the mode `auto`, in milliseconds. */
export interface AutoIntervals {
  /** How long nobody may have led before it bids. A client of River's needs 6 seconds at most. */
  readonly vacantMs: number;
  /** How often it looks meanwhile. */
  readonly lookMs: number;
  /** After which it resigns, so that a client of River's can take over. */
  readonly termMs: number;
}

export const AUTO: AutoIntervals = { vacantMs: 8_000, lookMs: 2_000, termMs: 300_000 };

/** What happens at the beginning and at the end of a term. */
export interface TermHandler {
  start(): void;
  stop(): Promise<void>;
}

/** Takes part in the elections of a fleet, as an equal or only where nobody else leads. */
export class Elector {
  readonly #lease: Lease;
  readonly #outages: OutageLog;
  readonly #handler: TermHandler;
  readonly #auto: AutoIntervals | undefined;
  #stop = new AbortController();
  /** Ends the wait for the next bid. */
  #wake = new AbortController();
  /** Ends the term under way. */
  #endTerm = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isLeader = false;
  #vacantSince: number | undefined;

  /** @param auto undefined: as an equal */
  constructor(
    lease: Lease,
    {
      outages,
      handler,
      auto,
    }: { outages: OutageLog; handler: TermHandler; auto: AutoIntervals | undefined },
  ) {
    this.#lease = lease;
    this.#outages = outages;
    this.#handler = handler;
    this.#auto = auto;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  start(): void {
    this.#stop = new AbortController();
    this.#running = inOwnContext(() => this.#run(this.#stop.signal));
  }

  /** Ends the term, and resigns. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    this.#endTerm.abort();
    await this.#running;
  }

  /** Somebody else has resigned. */
  resigned(): void {
    if (this.#isLeader) return;
    // A bid may be under way: the term that it begins goes on.
    if (this.#auto === undefined) this.#wake.abort();
    // Those who are equals of the one who resigned come first.
    else this.#vacantSince = now();
  }

  /** A client asks the leader to resign. */
  requestResign(): void {
    if (this.#isLeader) this.#endTerm.abort();
  }

  async #run(stop: AbortSignal): Promise<void> {
    let isFirst = true;
    while (!stop.aborted) {
      this.#wake = new AbortController();
      try {
        const began = now();
        const term = await this.#bid(isFirst);
        this.#outages.succeeded();
        if (term !== undefined) await this.#lead(term, began, stop);
      } catch (error) {
        // Nobody could take the lease, either.
        this.#vacantSince = undefined;
        if (!stop.aborted) this.#outages.failed('The election of a leader', error);
      }
      isFirst = false;
      if (!stop.aborted) await this.#pause();
    }
  }

  async #bid(isFirst: boolean): Promise<Term | undefined> {
    if (this.#auto === undefined) return await this.#lease.bid();
    if (await this.#lease.isTaken()) {
      this.#vacantSince = undefined;
      return undefined;
    }
    this.#vacantSince ??= now();
    if (isFirst || now() - this.#vacantSince < this.#auto.vacantMs) return undefined;
    this.#vacantSince = undefined;
    return await this.#lease.bid();
  }

  async #pause(): Promise<void> {
    const { signal } = this.#wake;
    const isWatching = this.#auto !== undefined && this.#vacantSince !== undefined;
    await sleep(
      isWatching ? (this.#auto?.lookMs ?? 0) : BID_MS + Math.random() * BID_JITTER_MS,
      signal,
    );
    if (signal.aborted) await sleep(Math.random() * AFTER_RESIGNED_MS, this.#stop.signal);
  }

  async #lead(term: Term, began: number, stop: AbortSignal): Promise<void> {
    this.#endTerm = new AbortController();
    if (stop.aborted) this.#endTerm.abort();
    this.#isLeader = true;
    this.#handler.start();
    try {
      await this.#keep(term, began);
    } finally {
      this.#isLeader = false;
      await this.#handler.stop();
    }
    if (!stop.aborted) this.#wake = new AbortController();
    await this.#resign(term);
    // It gives others time to take over, and watches whether they do.
    if (this.#auto !== undefined) this.#vacantSince = now();
  }

  /** Renews the lease until the term is over: somebody else has it, or it is not certain any more. */
  async #keep(term: Term, began: number): Promise<void> {
    const { signal } = this.#endTerm;
    const endsAt = began + (this.#auto?.termMs ?? Infinity);
    let trustedUntil = began + TRUST_MS;
    let failures = 0;
    for (;;) {
      const pauseMs = failures === 0 ? RENEW_MS : (RENEW_PAUSE_MS[failures - 1] ?? RENEW_MS);
      await sleep(Math.min(pauseMs, Math.max(0, trustedUntil - now())), signal);
      const sentAt = now();
      if (signal.aborted || sentAt >= endsAt || sentAt >= trustedUntil) return;
      try {
        const limit = Math.min(RENEW_LIMIT_MS, trustedUntil - sentAt);
        const timedOut = (): Error => new Error('the renewal of the lease timed out');
        if (!(await withDeadline(this.#lease.renew(term), { limit: { ms: limit, timedOut } })))
          return;
        trustedUntil = sentAt + TRUST_MS;
        failures = 0;
        this.#outages.succeeded();
      } catch (error) {
        failures++;
        this.#outages.failed('Renewing the lease of the leader', error);
      }
    }
  }

  async #resign(term: Term): Promise<void> {
    for (const ms of RESIGN_TRIES_MS) {
      const timedOut = (): Error => new Error('the resignation timed out');
      try {
        await withDeadline(this.#lease.resign(term), { limit: { ms, timedOut } });
        return;
      } catch (error) {
        this.#outages.failed('Resigning as the leader', error);
      }
    }
  }
}
