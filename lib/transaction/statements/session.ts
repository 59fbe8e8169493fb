import type { DataSource, QueryRunner } from 'typeorm';
import { DatabaseError, driverErrorOf, sqlStateOf } from '../../errors/database-errors.js';
import { TransactionEndedError } from '../../errors/transaction-errors.js';
import type { PgClient } from '../../postgres/driver/pg-client.js';
import { markUnfit } from '../../postgres/driver/unfit-clients.js';
import type { RiverTransactionOptions } from '../context/transaction-options.js';
import type { ConnectionWatch } from './connection-watch.js';
import { StatementQueue } from './statement-queue.js';
import { turnOn } from './statement-turn.js';

const DEFAULT_UNAWAITED_LIMIT_MS = 5_000;

/** How a transaction was opened. */
interface Opening {
  readonly dataSource: DataSource;
  /** Name of the client whose helper opened it. */
  readonly name: string;
  readonly queryRunner: QueryRunner;
  readonly client: PgClient;
  readonly watch: ConnectionWatch;
  readonly options: RiverTransactionOptions;
}

/** What all scopes of one transaction of ours share: its connection, and how it was opened. */
export class Session {
  readonly dataSource: DataSource;
  readonly name: string;
  readonly queryRunner: QueryRunner;
  readonly client: PgClient;
  readonly watch: ConnectionWatch;
  readonly options: RiverTransactionOptions;
  /** Milliseconds to wait at the end for what was begun and not awaited. */
  readonly unawaitedLimitMs: number;
  /** TypeORM's own `query`, past the queues. For the one who owns the connection. */
  readonly query: QueryRunner['query'];
  readonly #savepoints: StatementQueue;
  #xid: string | undefined;
  #isOver = false;

  constructor({ dataSource, name, queryRunner, client, watch, options }: Opening) {
    this.dataSource = dataSource;
    this.name = name;
    this.queryRunner = queryRunner;
    this.client = client;
    this.watch = watch;
    this.options = options;
    this.unawaitedLimitMs = options.unawaitedLimitMs ?? DEFAULT_UNAWAITED_LIMIT_MS;
    this.query = queryRunner.query.bind(queryRunner);
    this.#savepoints = new StatementQueue(client);
  }

  /** Whether code that outlives the transaction runs outside of it, instead of being rejected. */
  get detaches(): boolean {
    return this.options.afterEnd === 'detach';
  }

  /** The transaction's 64-bit id, once a statement has returned it. */
  get xid(): string | undefined {
    return this.#xid;
  }

  noteXid(xid: string | null | undefined): void {
    this.#xid ??= xid ?? undefined;
  }

  /** From ROLLBACK on: what has not been sent by then is not sent any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing more is sent. Waits for the statements on savepoints that are under way. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.savepointsIdle();
  }

  savepointsIdle(): Promise<void> {
    return this.#savepoints.idle();
  }

  /** @throws when nothing can be sent any more; `what` names in the error what was about to be */
  requireUsable(what: string): void {
    if (this.#isOver) throw new TransactionEndedError(what);
    if (this.watch.lost !== undefined) throw this.watch.lost;
  }

  /** Sends a statement on a savepoint, for the scope that owns the connection. */
  async savepoint(sql: string): Promise<unknown> {
    if (this.#isOver) throw new TransactionEndedError('A nested transaction');
    const begin = async (): Promise<unknown> => {
      if (this.watch.lost !== undefined) throw this.watch.lost;
      this.watch.expectSavepoint(sql);
      try {
        return (await this.query(sql)) as unknown;
      } catch (error) {
        throw this.watch.lost ?? DatabaseError.ofTypeorm('savepoint', error);
      }
    };
    return await (turnOn(this.client) === undefined ? this.#savepoints.push(begin) : begin());
  }

  /** Notes that a statement failed: a connection to a server that takes no writes is of no more use. */
  noteFailure(failure: unknown): void {
    const isReadOnly = sqlStateOf(driverErrorOf(failure)) === '25006';
    if (isReadOnly && !this.options.readOnly) markUnfit(this.client, this.dataSource);
  }

  /** Closes the connection under a statement that does not end. */
  cut(): void {
    this.watch.cut();
  }
}
