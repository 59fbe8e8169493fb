import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource } from 'typeorm';
import { DatabaseError } from '../../errors/database-errors.js';
import { JobDroppedError } from '../../errors/insert-errors.js';
import type { InsertParams } from '../../insert/insert-params.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';
import type { Connection } from '../../postgres/connection/connection.js';
import { LaneQueue, type LaneCall } from './lane-queue.js';
import { LentConnection } from '../../postgres/connection/lent-connection.js';
import type { PgClient } from '../../postgres/driver/pg-client.js';
import { connectionTimeoutMs, hasWaiters } from '../../postgres/driver/pool.js';
import type { PoolConnection } from '../../postgres/connection/pool-connection.js';
import { now, setTimeout } from '../../real-time.js';
import type { ResolvedOptions } from '../options/resolved-options.js';

/**
 * Milliseconds after which a statement without an answer does not count as under way any more, so that
 * the next one goes on another connection of the pool.
 */
const PATIENCE_MS = 50;

/** Milliseconds for which a connection that has answered is taken to be alive. */
const ALIVE_MS = 25;

/** What lanes work with. */
export interface LaneWork {
  readonly dataSource: DataSource;
  readonly pool: PoolConnection;
  readonly insert: (
    connection: Connection,
    jobs: readonly InsertParams[],
  ) => Promise<JobInsertResult[]>;
}

/** One statement, from the request for a connection to the answer. */
interface Lane {
  /** When it asked for a connection. */
  readonly begun: number;
  /** Since when it counts as under way. */
  since: number;
  /** undefined: it waits for a connection. */
  calls: readonly LaneCall[] | undefined;
  /** Absent where a test holds the connection of all inserts. */
  connection: LentConnection | undefined;
  /** Whether it does not count among the statements under way any more. */
  isStuck: boolean;
}

/** That of the code which loads this file first: the start of the application, as a rule. */
const inEmptyContext = AsyncLocalStorage.snapshot();

/** When connections have last answered. */
const answeredAt = new WeakMap<PgClient, number>();

/**
 * Lets inserts outside of transactions that wait in the same moment go as one statement. A shared
 * statement never holds anyone up:
 *
 * - A call chooses its statement when there is a connection, and not before.
 * - A statement without an answer makes room for another one after {@link PATIENCE_MS}.
 * - A connection that has been silent gets one call first, since it may be dead.
 * - A statement of several calls that waits for a lock fails at once, and its calls go on alone, as do
 *   those of one that the server refuses. Calls go in halves where that finds the reason sooner.
 * - Jobs with unique options go alone, since an open transaction may hold their key.
 *
 * The statements belong to no caller, so they run in an empty asynchronous context, alone or together.
 */
export class InsertLanes {
  readonly #work: LaneWork;
  readonly #maxStatements: number;
  readonly #maxRows: number;
  readonly #queue = new LaneQueue();
  /** In the order in which they began. */
  readonly #lanes: Lane[] = [];
  /** Lanes that are not stuck. */
  #underWay = 0;
  /** Lanes that wait for a connection. */
  #connecting = 0;
  /** Calls of lanes that are not stuck. */
  #calls = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(work: LaneWork, limits: Exclude<ResolvedOptions['coalesce'], false>) {
    this.#work = work;
    this.#maxStatements = limits.maxStatements;
    this.#maxRows = limits.maxRows;
  }

  /** Whether these jobs may share a statement with others. */
  takes(jobs: readonly InsertParams[]): boolean {
    return (
      jobs.length > 0 &&
      jobs.length <= this.#maxRows &&
      jobs.every(({ unique }) => unique === undefined)
    );
  }

  /** @returns what the call would return alone, or fails as it would alone */
  insert(
    jobs: readonly InsertParams[],
    signals: readonly AbortSignal[],
  ): Promise<JobInsertResult[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ jobs, signals, resolve, reject, since: now() });
      this.#advance();
    });
  }

  /** Rejects the calls that have not been sent; the others go on. */
  abort(reason: Error): void {
    this.#queue.rejectAll(reason);
  }

  #advance(): void {
    while (this.#underWay < this.#maxStatements && this.#queue.size > this.#connecting) {
      const begun = now();
      const lane: Lane = {
        begun,
        since: begun,
        calls: undefined,
        connection: undefined,
        isStuck: false,
      };
      this.#lanes.push(lane);
      this.#underWay++;
      this.#connecting++;
      void inEmptyContext(() => this.#run(lane));
    }
    this.#watch();
  }

  /** Never rejects. */
  async #run(lane: Lane): Promise<void> {
    try {
      const results = await this.#work.pool.lend('insert', (connection) =>
        this.#send(lane, connection),
      );
      let place = 0;
      for (const { jobs, resolve } of lane.calls ?? []) {
        resolve(results.slice(place, (place += jobs.length)));
      }
    } catch (error) {
      this.#failed(lane, error);
    }
    this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    if (!lane.isStuck) this.#release(lane);
    this.#advance();
  }

  async #send(lane: Lane, connection: Connection): Promise<JobInsertResult[]> {
    const lent = connection instanceof LentConnection ? connection : undefined;
    lane.connection = lent;
    const isTrial =
      lent !== undefined && now() - (answeredAt.get(lent.client) ?? -Infinity) > ALIVE_MS;
    const calls = this.#take(lane, isTrial);
    const [first] = calls;
    if (first === undefined) return [];
    const isShared = calls.length > 1;
    if (lent !== undefined) lent.isShared = isShared;
    // A caller alone does not pay for the others that are not there.
    const jobs = isShared ? calls.flatMap((call) => call.jobs) : first.jobs;
    const results = await this.#work.insert(connection, jobs);
    if (lent !== undefined) answeredAt.set(lent.client, now());
    return results;
  }

  /** How many calls a lane takes at most, so that the other lanes have theirs. */
  get #share(): number {
    return Math.ceil((this.#queue.size + this.#calls) / this.#maxStatements);
  }

  /** The next calls for a lane. */
  #take(lane: Lane, isTrial: boolean): readonly LaneCall[] {
    lane.calls = this.#queue.take({ calls: this.#share, rows: this.#maxRows, isTrial });
    if (!lane.isStuck) {
      this.#connecting--;
      this.#calls += lane.calls.length;
    }
    return lane.calls;
  }

  #failed(lane: Lane, error: unknown): void {
    const calls = lane.calls ?? this.#takeUnconnected(lane);
    // Without a connection the reason is none of theirs, and alone they would fail for it again.
    const isOfCalls = lane.calls !== undefined && calls.length > 1;
    const parts = isOfCalls ? partsAfter(error, lane.connection) : 1;
    if (parts === 1) {
      for (const { reject } of calls) reject(error);
      return;
    }
    const size = Math.ceil(calls.length / Math.min(parts, calls.length));
    for (let place = 0; place < calls.length; place += size)
      this.#queue.pushPart(calls.slice(place, place + size).map(again));
  }

  /**
   * The calls that fail because there was no connection: where that was found out at once, those that it
   * would have taken; after the driver's timeout, all that have waited for as long. The others get the
   * whole timeout, from the next attempt.
   */
  #takeUnconnected({ begun }: Lane): readonly LaneCall[] {
    const limit = connectionTimeoutMs(this.#work.dataSource);
    // Node's timers may be early by less than a millisecond.
    const timedOut = now() - limit + 1;
    if (limit > 0 && begun <= timedOut) return this.#queue.takeSince(timedOut, Infinity);
    return this.#queue.takeSince(begun, this.#share);
  }

  /** While somebody waits, looks again when the oldest statement has been under way for too long. */
  #watch(): void {
    if (this.#timer !== undefined || this.#queue.size <= this.#connecting) return;
    const oldest = this.#lanes.find((lane) => !lane.isStuck);
    if (oldest === undefined) return;
    this.#timer = setTimeout(() => this.#passStuck(), oldest.since + PATIENCE_MS - now());
    // The statements keep the process alive.
    this.#timer.unref();
  }

  #passStuck(): void {
    this.#timer = undefined;
    const time = now();
    for (const lane of this.#lanes) {
      // Node's timers may be early by less than a millisecond.
      if (lane.isStuck || time - lane.since < PATIENCE_MS - 1) continue;
      if (lane.calls === undefined && hasWaiters(this.#work.dataSource)) {
        // The pool gives no more connections; another lane would wait as well.
        lane.since = time;
      } else {
        this.#release(lane);
        lane.isStuck = true;
      }
    }
    this.#advance();
  }

  #release({ calls }: Lane): void {
    this.#underWay--;
    if (calls === undefined) this.#connecting--;
    else this.#calls -= calls.length;
  }
}

/** A call that waits for another statement, which may have to wait for another connection. */
function again(call: LaneCall): LaneCall {
  return { ...call, since: now() };
}

/** SQLSTATEs of values and of what triggers and constraints say of them; found out at once. */
const OF_VALUES = /^(22|23|44|P0)/;

/**
 * Into how many statements the calls go on after an error of the one they shared: 1 where the error is
 * that of all, or the jobs may be stored.
 */
function partsAfter(error: unknown, connection: LentConnection | undefined): number {
  // Where a trigger drops jobs, each call determines which of its own are dropped.
  if (error instanceof JobDroppedError) return Infinity;
  if (!(error instanceof DatabaseError)) return connection?.hasSent === false ? Infinity : 1;
  const { sqlState, endsConnection, outcome } = error;
  if (sqlState === undefined || endsConnection || outcome === 'unknown') return 1;
  return OF_VALUES.test(sqlState) ? 2 : Infinity;
}
