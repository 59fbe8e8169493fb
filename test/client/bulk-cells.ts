import type pg from 'pg';
import {
  JobArgs,
  jobArgs,
  type InsertManyFastOptions,
  type RiverTransactionOptions,
} from 'nestjs-river';
import { queryAll, type TestDatabase } from '../support/index.js';
import { startClient, type StartedClient } from './started-client.js';

export const MODES = ['COPY', 'staged', 'pipeline'] as const;
export const PLACES = ['run', 'savepoint', 'foreign', 'outside'] as const;
export const PHASES = [
  'connection',
  'first item',
  'between items',
  'server',
  'after the last',
] as const;
export const INTERRUPTS = [
  'own signal',
  'timeoutMs',
  "transaction's signal",
  'handler throws',
  'unawaitedLimitMs',
  'shutdown',
  'backend killed',
  'items deadlock',
] as const;

/** One combination of how, where and when a bulk insert is interrupted, and by what. */
export interface Cell {
  readonly mode: (typeof MODES)[number];
  readonly place: (typeof PLACES)[number];
  readonly phase: (typeof PHASES)[number];
  readonly interrupt: (typeof INTERRUPTS)[number];
}

const OF_OUR_TRANSACTIONS: readonly Cell['interrupt'][] = [
  'timeoutMs',
  "transaction's signal",
  'unawaitedLimitMs',
];

function exists({ mode, place, phase, interrupt }: Cell): boolean {
  const isOurs = place === 'run' || place === 'savepoint';
  // The savepoint waits for the statement before the insert.
  if (interrupt === 'unawaitedLimitMs' && phase === 'connection') return place === 'run';
  if (OF_OUR_TRANSACTIONS.includes(interrupt)) return isOurs;
  // Outside a transaction nobody but the caller waits for the insert, and there is no backend yet.
  if (interrupt === 'handler throws') return place !== 'outside';
  if (interrupt === 'backend killed') return place !== 'outside' || phase !== 'connection';
  if (interrupt !== 'items deadlock') return true;
  if (phase !== 'first item' && phase !== 'between items') return false;
  // While no COPY is open, the application may use its own connection.
  return place !== 'foreign' || (phase === 'between items' && mode !== 'pipeline');
}

export function cellsOf(mode: Cell['mode']): Cell[] {
  return PLACES.flatMap((place) =>
    PHASES.flatMap((phase) =>
      INTERRUPTS.map((interrupt) => ({ mode, place, phase, interrupt })).filter(exists),
    ),
  );
}

/** What the place of the insert reports. */
export function reported({ place, interrupt }: Cell): object {
  const isOurs = place === 'run' || place === 'savepoint';
  switch (interrupt) {
    case 'own signal':
      return { code: 'RIVER_ABORTED', cause: 'stop' };
    case 'timeoutMs':
      return { code: 'RIVER_TRANSACTION_ABORTED' };
    case "transaction's signal":
      return { code: 'RIVER_TRANSACTION_ABORTED', cause: 'stop' };
    case 'handler throws':
      return { message: 'the handler failed' };
    case 'unawaitedLimitMs':
      return { code: 'RIVER_TRANSACTION_UNFINISHED' };
    case 'shutdown':
      return { code: isOurs ? 'RIVER_TRANSACTION_ABORTED' : 'RIVER_SHUTTING_DOWN' };
    case 'backend killed':
      return { code: 'RIVER_DATABASE', retryable: true };
    case 'items deadlock':
      return { code: 'RIVER_ITEMS_FAILED' };
  }
}

@JobArgs('unique', { uniqueOpts: { byArgs: true } })
class Unique {
  constructor(readonly id: number) {}
}

const LOCK = 'select pg_advisory_xact_lock(4711)';

type Insert = (items: AsyncIterable<object>, opts: InsertManyFastOptions) => Promise<unknown>;
type Query = (sql: string) => Promise<unknown>;

/** What a cell leaves behind. */
export interface CellOutcome {
  /** What the place of the insert threw, or 'stored'. */
  readonly reported: unknown;
  /** What the insert threw, or 'stored'. */
  readonly inserted: unknown;
}

/** Waits until a condition holds; the test's own limit is the only one. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Plays one cell with a client of its own. */
export class CellRun {
  readonly #cell: Cell;
  readonly #client: StartedClient;
  readonly #holder: pg.Client;
  readonly #own = new AbortController();
  readonly #outer = new AbortController();
  /** Called when the items have come to where they end. */
  #arrive: () => void = () => undefined;
  readonly #atTheirEnd = new Promise<void>((resolve) => (this.#arrive = resolve));
  #closing: Promise<void> | undefined;

  private constructor(cell: Cell, client: StartedClient, holder: pg.Client) {
    this.#cell = cell;
    this.#client = client;
    this.#holder = holder;
  }

  static async play(
    cell: Cell,
    { database, holder }: { database: TestDatabase; holder: pg.Client },
    look: (outcome: CellOutcome, client: StartedClient) => Promise<void>,
  ): Promise<void> {
    const client = await startClient({
      database,
      dataSource: { max: 1, extra: { pipeline: cell.mode === 'pipeline' } },
      river: { shutdownTimeoutMs: 20 },
    });
    try {
      const outcome = await new CellRun(cell, client, holder).#play();
      await look(outcome, client);
    } finally {
      await client.stop();
    }
  }

  async #play(): Promise<CellOutcome> {
    const { phase, place } = this.#cell;
    await this.#holder.query('begin');
    if (phase === 'connection') await this.#holder.query(LOCK);
    if (phase === 'server') await this.#holder.query('lock river_job in access exclusive mode');
    if (phase === 'after the last') await this.#client.river.insertTx(this.#holder, new Unique(1));
    const taken = this.#client.dataSource.createQueryRunner();
    if (phase === 'connection' && place === 'outside') await taken.connect();

    let inserted: Promise<unknown> = Promise.resolve('never begun');
    const ended = this.#within(async (insert, query) => {
      const waiting = phase === 'connection' && place !== 'outside' ? query(LOCK) : undefined;
      waiting?.catch(() => undefined);
      const { mode, interrupt } = this.#cell;
      const inserting = insert(this.#items(query), {
        onConflict: mode === 'staged' ? 'skip' : 'fail',
        signal: this.#own.signal,
      });
      inserted = settled(inserting);
      if (interrupt === 'unawaitedLimitMs') return;
      if (interrupt === 'handler throws') {
        await this.#reached();
        // A statement that waits for its lock keeps every rollback waiting.
        if (phase === 'connection') void this.#holder.query('rollback');
        throw new Error('the handler failed');
      }
      await inserting;
    });
    const outcome = settled(ended);
    await Promise.race([this.#interrupt(), outcome]);
    if (phase === 'connection' && place !== 'outside') {
      // What is before the insert in the queue is ended by the transaction alone.
      await (this.#cell.interrupt === 'own signal' ? inserted : outcome);
      await this.#holder.query('rollback');
    }
    const reportedError = await outcome;
    const insertedError = await inserted;
    await taken.release();
    await this.#holder.query('rollback');
    await this.#closing;
    return { reported: reportedError, inserted: insertedError };
  }

  async #within(work: (insert: Insert, query: Query) => Promise<void>): Promise<void> {
    const { river, transaction, dataSource } = this.#client;
    const { interrupt, place } = this.#cell;
    const options: RiverTransactionOptions = {
      ...(interrupt === 'timeoutMs' && { timeoutMs: 200 }),
      ...(interrupt === 'unawaitedLimitMs' && { unawaitedLimitMs: 20 }),
      signal: this.#outer.signal,
    };
    const insert: Insert = (items, opts) => river.insertManyFast(items, opts);
    switch (place) {
      case 'run':
        return await transaction.run(options, (manager) =>
          work(insert, (sql) => manager.query(sql)),
        );
      case 'savepoint':
        return await transaction.run(options, () =>
          transaction.run({ propagation: 'NESTED' }, (manager) =>
            work(insert, (sql) => manager.query(sql)),
          ),
        );
      case 'outside':
        return await work(insert, (sql) => dataSource.query(sql));
      case 'foreign': {
        const queryRunner = dataSource.createQueryRunner();
        await queryRunner.startTransaction();
        try {
          await work(
            (items, opts) => river.insertManyFastTx(queryRunner, items, opts),
            (sql) => queryRunner.query(sql),
          );
          await queryRunner.commitTransaction();
        } catch (error) {
          await queryRunner.rollbackTransaction().catch(() => undefined);
          throw error;
        } finally {
          await queryRunner.release();
        }
      }
    }
  }

  async *#items(query: Query): AsyncGenerator<object> {
    const { phase, interrupt } = this.#cell;
    if (phase === 'after the last') {
      yield new Unique(1);
      return;
    }
    // More than is read before anything is sent.
    const count = phase === 'first item' ? 0 : 3_000;
    for (let id = 0; id < count; id++) yield jobArgs('plain', { id });
    if (phase === 'connection' || phase === 'server') return;
    this.#arrive();
    if (interrupt === 'items deadlock') await query('select 1');
    else await new Promise(() => undefined);
  }

  /** Resolves when the insert is in the phase. */
  async #reached(): Promise<void> {
    const { phase, place } = this.#cell;
    if (phase === 'first item' || phase === 'between items') return await this.#atTheirEnd;
    const { master } = this.#client.dataSource.driver as unknown as {
      master: { waitingCount: number };
    };
    if (phase === 'connection' && place === 'outside')
      return await until(() => master.waitingCount > 0);
    await until(async () => (await this.#backends("wait_event_type = 'Lock'")).length > 0);
  }

  async #interrupt(): Promise<void> {
    const { interrupt } = this.#cell;
    if (interrupt === 'timeoutMs' || interrupt === 'unawaitedLimitMs') return;
    if (interrupt === 'handler throws') return;
    await this.#reached();
    if (interrupt === 'own signal') this.#own.abort('stop');
    if (interrupt === "transaction's signal") this.#outer.abort('stop');
    if (interrupt === 'shutdown') this.#closing = this.#client.app.close();
    if (interrupt === 'backend killed')
      for (const { pid } of await this.#backends('true'))
        await queryAll(this.#client.database, `select pg_terminate_backend(${pid})`);
  }

  /** Those of the client. */
  #backends(where: string): Promise<{ pid: number }[]> {
    const { processID } = this.#holder as unknown as { processID: number };
    return queryAll<{ pid: number }>(
      this.#client.database,
      `select pid from pg_stat_activity where datname = current_database() and pid <> ${processID}
       and backend_type = 'client backend' and pid <> pg_backend_pid() and ${where}`,
    );
  }
}

const settled = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'stored',
    (error: unknown) => error,
  );
