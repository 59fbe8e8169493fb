import { Logger } from '@nestjs/common';
import { withDeadline } from '../../abort-signal.js';
import type { ClientInserts } from '../../client/client-inserts.js';
import type { InsertManyItem } from '../../client/inserts/insert-many-params.js';
import { DatabaseError } from '../../errors/database-errors.js';
import { nameText } from '../../errors/name-text.js';
import type { Connection } from '../../postgres/connection/connection.js';
import type { PoolConnection } from '../../postgres/connection/pool-connection.js';
import type { PeriodicTable } from '../../postgres/worker/periodic-table.js';
import { sleep } from '../../real-time.js';
import type { OutageLog } from '../outage-log.js';
import type { DatabaseClock } from './database-clock.js';
import type { PeriodicJob } from './periodic-job.js';

/** How long ago a due time may be that is made up at the start. */
const MADE_UP_MS = 5 * 60_000;
/** Processes that start within so many seconds count as one start. */
const START_SECONDS = 60;
/** The longest wait without a look at the database's clock. */
const LONGEST_WAIT_MS = 5 * 60_000;
/** Milliseconds to the next look at a time that another process is about to take. */
const TAKEN_MS = 250;
/** Milliseconds to the next try after an error, and at most. */
const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** What the loops of one worker share. */
export interface PeriodicParts {
  readonly connection: PoolConnection;
  readonly outages: OutageLog;
  readonly table: PeriodicTable;
  readonly clock: DatabaseClock;
  readonly inserts: ClientInserts;
}

/** What became of a due time: it is dealt with, by whomever, or to be looked at again. */
type Step = 'done' | 'again';

/** Takes a time of the job in the table, in the transaction of the insert. */
type Claim = (inner: Connection) => Promise<boolean>;

/** Inserts one periodic job at its times. */
export class PeriodicLoop {
  readonly #job: PeriodicJob;
  readonly #parts: PeriodicParts;
  readonly #logger = new Logger('RiverWorker');
  readonly #stop = new AbortController();
  #running = Promise.resolve();

  constructor(job: PeriodicJob, parts: PeriodicParts) {
    this.#job = job;
    // A stop does not wait for a connection.
    this.#parts = { ...parts, connection: parts.connection.until([this.#stop.signal]) };
  }

  /** @param lastDue the last time for which the fleet has inserted it; -Infinity: none */
  start(lastDue: number): void {
    this.#running = this.#run(lastDue);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(lastDue: number): Promise<void> {
    const { signal } = this.#stop;
    const startMs = this.#parts.clock.now();
    if (this.#job.runOnStart) await this.#untilDone(() => this.#insertAtStart(new Date(startMs)));
    const isKnown = lastDue > -Infinity;
    let due = this.#next(isKnown ? Math.max(lastDue, startMs - MADE_UP_MS) : startMs);
    while (due !== undefined && !signal.aborted) {
      due = this.#lastPassed(due);
      const at = due;
      await this.#untilDone(() => (this.#lastPassed(at) === at ? this.#insertAt(at) : 'done'));
      due = this.#next(at.getTime());
    }
  }

  #next(afterMs: number): Date | undefined {
    return this.#job.schedule.nextAfter(new Date(afterMs));
  }

  /** Of several times that have passed only the last one is dealt with. */
  #lastPassed(due: Date): Date {
    for (let last = due; ;) {
      const next = this.#next(last.getTime());
      if (next === undefined || next.getTime() > this.#parts.clock.now()) return last;
      last = next;
    }
  }

  async #untilDone(step: () => Step | Promise<Step>): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = SHORTEST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        if ((await step()) === 'done') return;
        pauseMs = SHORTEST_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof DatabaseError)) return this.#failed(error);
        this.#parts.outages.failed(`Periodic job '${nameText(this.#job.id)}'`, error);
        await sleep(pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  }

  #failed(error: unknown): void {
    const id = nameText(this.#job.id);
    this.#logger.error(`Periodic job '${id}' was not inserted this time: ${String(error)}`);
  }

  async #insertAt(due: Date): Promise<Step> {
    const { connection, table, clock } = this.#parts;
    const { id } = this.#job;
    const waitMs = due.getTime() - clock.now();
    if (waitMs > 0) await sleep(Math.min(Math.ceil(waitMs), LONGEST_WAIT_MS), this.#stop.signal);
    if (this.#stop.signal.aborted) return 'again';
    const known = await table.look(connection, id);
    if (known === undefined) {
      await table.register(connection, [id]);
      return 'again';
    }
    this.#answered(known.now);
    if (known.dueAt >= due.getTime()) return 'done';
    if (known.now < due.getTime()) return 'again';
    if (await this.#insert(due, (inner) => table.claim(inner, id, due))) return 'done';
    await sleep(TAKEN_MS, this.#stop.signal);
    return 'again';
  }

  async #insertAtStart(at: Date): Promise<Step> {
    const { table } = this.#parts;
    await this.#insert(at, (inner) => table.claimStart(inner, this.#job.id, START_SECONDS));
    return 'done';
  }

  /** Whether the time was taken by this process. */
  async #insert(at: Date, claim: Claim): Promise<boolean> {
    const { connection, inserts, outages } = this.#parts;
    const { id } = this.#job;
    const item = await withDeadline(this.#made(at), { signals: [this.#stop.signal] });
    const insert = item === null ? undefined : inserts.periodic(item, { id, at });
    const isOurs = await connection.transaction(async (inner) => {
      if (!(await claim(inner))) return false;
      await insert?.(inner);
      return true;
    });
    outages.succeeded();
    return isOurs;
  }

  /** In an own function, so that what it throws at once rejects. A stop does not wait for it. */
  async #made(at: Date): Promise<InsertManyItem | null> {
    return await this.#job.make(at);
  }

  #answered(databaseMs: number): void {
    this.#parts.clock.set(databaseMs);
    this.#parts.outages.succeeded();
  }
}
