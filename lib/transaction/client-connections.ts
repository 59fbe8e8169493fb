import type { Connection, ConnectionSettings } from '../postgres/connection/connection.js';
import { PoolConnection } from '../postgres/connection/pool-connection.js';
import type { ActiveWork } from './engine/active-work.js';
import {
  enclosingTransaction,
  holderOf,
  type TransactionSource,
} from './context/ambient-transaction.js';
import { CurrentTransaction } from './current-transaction.js';
import { explicitTransaction } from './explicit-transaction.js';
import { onHeld } from './engine/held-transaction.js';
import type { JoinableTransaction } from './context/ambient-transaction.js';

/** Where a call of the client runs: in a transaction, or by itself on a connection of the pool. */
export interface Place {
  readonly connection: Connection;
  readonly transaction: JoinableTransaction | undefined;
}

/** One call of the client. */
export interface ClientCall<Prepared, Result> {
  /** What it is, when an error tells that it came too late: `An insert`. */
  readonly what: string;
  /** The `tx` of the caller, if the method takes one. */
  readonly named?: readonly [tx: unknown] | undefined;
  /** Checks everything that needs no database; runs at once, before anything is sent. */
  readonly prepare: () => Prepared;
  /** What it throws is thrown by its promise. */
  readonly run: (prepared: Prepared, place: Place) => Promise<Result>;
}

/** Chooses the connection of every call of one client. */
export class ClientConnections {
  readonly pool: PoolConnection;
  readonly #settings: ConnectionSettings;
  readonly #activeWork: ActiveWork;
  readonly #current: CurrentTransaction;

  constructor(
    settings: ConnectionSettings,
    { activeWork, source }: { activeWork: ActiveWork; source?: TransactionSource | undefined },
  ) {
    this.#settings = settings;
    this.#activeWork = activeWork;
    this.#current = new CurrentTransaction(settings.dataSource, source);
    const whenCut = (cut: () => void): (() => void) => activeWork.whenCut(cut);
    this.pool = new PoolConnection({ ...settings, whenCut }, onHeld);
  }

  /**
   * Begins a call in the transaction named, else in the one that the running code is in, which from
   * here on does not end before it, and fails if it fails, unless somebody awaits the answer.
   */
  begin<Prepared, Result>(call: ClientCall<Prepared, Result>): Promise<Result> {
    const { what, named, prepare, run } = call;
    const prepared = attempt(prepare);
    let transaction: JoinableTransaction | undefined;
    try {
      transaction =
        named === undefined
          ? this.#current.get()
          : explicitTransaction(named[0], this.#settings.dataSource);
    } catch (error) {
      return Promise.reject('error' in prepared ? prepared.error : error);
    }
    const connection = transaction?.connection(this.#settings) ?? this.pool;
    const begin = (): Promise<Result> => {
      if ('error' in prepared) return Promise.reject(prepared.error);
      try {
        return run(prepared.value, { connection, transaction });
      } catch (error) {
        return Promise.reject(error);
      }
    };
    return transaction === undefined
      ? this.#activeWork.run(begin)
      : transaction.follow(what, begin);
  }

  /**
   * Whether the running code is within a transaction, though perhaps put outside it. A shared statement
   * has no limit on its wait for a second connection; and in a test that holds one connection, it would
   * wait for that transaction, and the transaction for it.
   */
  get isWithinTransaction(): boolean {
    const { dataSource } = this.#settings;
    return (
      holderOf(dataSource) !== undefined ||
      enclosingTransaction(dataSource, ({ isOpen }) => isOpen) !== undefined
    );
  }

  /** Runs what the client does by itself, in nobody's transaction. */
  alone<Result>(run: (connection: Connection) => Promise<Result>): Promise<Result> {
    return this.#activeWork.run(() => run(this.pool));
  }
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
