import { Logger } from '@nestjs/common';
import { clearTimeout, now, setTimeout } from '../../real-time.js';

/** Milliseconds after which a wait is reported. */
const AFTER_MS = 1_000;

/** Timers and a monotonic clock in milliseconds. */
interface Clock {
  now(): number;
  setTimeout(check: () => void, ms: number): { unref(): NodeJS.Timeout };
  clearTimeout(timer: NodeJS.Timeout | undefined): void;
}

const CLOCK: Clock = { now, setTimeout, clearTimeout };

interface Wait {
  readonly since: number;
  /** What exactly is waited for. */
  readonly detail: (() => string) | undefined;
}

/**
 * Reports at Nest's level `debug` what would otherwise only be seen as a pause. A pause is reported
 * once, however many calls wait in it; it is over when no call has waited for that long.
 *
 * There is a timer only while somebody waits, and nothing at all where the level is off.
 */
export class PauseLog {
  readonly #logger: Logger;
  readonly #message: (waiting: number, detail: string) => string;
  readonly #clock: Clock;
  /** In the order in which they began. */
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | undefined;
  #isReported = false;

  /** @param message what to report of this many waits, and of the one that began first */
  constructor(
    context: string,
    message: (waiting: number, detail: string) => string,
    clock = CLOCK,
  ) {
    this.#logger = new Logger(context);
    this.#message = message;
    this.#clock = clock;
  }

  /** @returns the same promise */
  follow<T>(waiting: Promise<T>, detail?: () => string): Promise<T> {
    if (!isDebugEnabled()) return waiting;
    const wait: Wait = { since: this.#clock.now(), detail };
    this.#waits.add(wait);
    this.#timer ??= this.#checkIn(AFTER_MS);
    const end = (): void => this.#end(wait);
    waiting.then(end, end);
    return waiting;
  }

  #end(wait: Wait): void {
    this.#waits.delete(wait);
    if (this.#waits.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isReported = false;
  }

  #checkIn(ms: number): NodeJS.Timeout {
    return this.#clock.setTimeout(() => this.#check(), ms).unref();
  }

  #check(): void {
    const [oldest] = this.#waits;
    if (oldest === undefined) return;
    // Node's timers may be early by less than a millisecond.
    const left = Math.ceil(oldest.since + AFTER_MS - this.#clock.now() - 1);
    this.#timer = this.#checkIn(left > 0 ? left : AFTER_MS);
    if (left <= 0 && !this.#isReported) {
      this.#logger.debug(this.#message(this.#waits.size, oldest.detail?.() ?? ''));
    }
    this.#isReported = left <= 0;
  }
}

/**
 * Nest 10 and 11 report every level as disabled until an application has configured levels, although
 * their default logger writes all of them. The error level is on in any configuration but such ones.
 */
function isDebugEnabled(): boolean {
  return Logger.isLevelEnabled('debug') || !Logger.isLevelEnabled('error');
}
