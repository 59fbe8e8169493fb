import type { EventEmitter } from 'node:events';
import type { QueryRunner } from 'typeorm';
import { DatabaseError } from '../../errors/database-errors.js';
import {
  TransactionEndedWithinError,
  type EndingCommand,
  type RiverTransactionError,
} from '../../errors/transaction-errors.js';
import { close, type PgClient } from '../../postgres/driver/pg-client.js';
import { endIsOurs, savepointIsOurs } from './forbidden-statements.js';

/** What is read of a client of `pg`. The messages of its connection are those of the server. */
interface Watched extends Partial<EventEmitter> {
  readonly connection?: Partial<EventEmitter>;
  /** The query whose answer is being read. */
  readonly _activeQuery?: { readonly text?: unknown } | null;
}

/** ROLLBACK AND CHAIN has the same command tag as ROLLBACK TO SAVEPOINT. */
const CHAINS = /\band\b[^]*\bchain\b/i;
const OUR_SAVEPOINT = /\briver_\d/i;

/**
 * Notices what makes a transaction of no use while it is open: a connection that breaks, and a
 * statement that ends the transaction. SQL text cannot be parsed for the latter, but the server names
 * each command that it has completed, also within one text of several statements and for statements
 * sent on the raw client. Reading the names costs no round trip.
 */
export class ConnectionWatch {
  readonly #client: PgClient & Watched;
  readonly #onError: (cause: unknown) => void;
  /** Why the transaction is of no use any more. Nothing is sent in it once this is set. */
  lost: DatabaseError | RiverTransactionError | undefined;
  #ending: 'COMMIT' | 'ROLLBACK' | undefined;
  #isWatchingEnd = false;
  /** Whether a ROLLBACK of some kind was completed in the text under way. */
  #isRolledBack = false;
  /** Several, where a subscriber begins one while another is about to be sent. */
  readonly #ownSavepoints = new Set<string>();

  /** To be made when the query runner is connected, so that TypeORM has heard first. */
  constructor(queryRunner: QueryRunner, client: PgClient) {
    this.#client = client;
    this.#onError = (cause) => {
      this.lost ??= new DatabaseError('transaction', cause);
      Object.assign(queryRunner, { isReleased: false });
    };
    this.#client.on?.('error', this.#onError);
  }

  /** Set once a statement has ended the transaction. */
  get endedWithin(): TransactionEndedWithinError | undefined {
    return this.lost instanceof TransactionEndedWithinError ? this.lost : undefined;
  }

  /** To be called once the transaction has begun. */
  watchEnd(): void {
    this.#isWatchingEnd = true;
    const { connection } = this.#client;
    connection?.on?.('commandComplete', this.#onComplete);
    connection?.on?.('readyForQuery', this.#onReady);
  }

  /** From here on the next end is the transaction's own. */
  expectEnd(command: 'COMMIT' | 'ROLLBACK'): void {
    this.#ending = command;
  }

  /** The next statement on a savepoint is ours. */
  expectSavepoint(sql: string): void {
    if (this.#isWatchingEnd) this.#ownSavepoints.add(sql);
  }

  /** Closes the connection under a statement that does not end. */
  cut(): void {
    this.lost ??= new DatabaseError(
      'transaction',
      new Error('it was aborted, so its connection was closed'),
    );
    close(this.#client);
  }

  stop(): void {
    const { connection } = this.#client;
    this.#client.off?.('error', this.#onError);
    connection?.off?.('commandComplete', this.#onComplete);
    connection?.off?.('readyForQuery', this.#onReady);
  }

  /** Called for each statement of a transaction, so the common tags are to be passed by quickly. */
  readonly #onComplete = ({ text: tag }: { text: string }): void => {
    switch (tag) {
      case 'COMMIT':
        if (this.#ending === 'COMMIT') this.#ending = 'ROLLBACK';
        else this.#setEnded('COMMIT');
        return;
      case 'PREPARE TRANSACTION':
        return this.#setEnded('PREPARE TRANSACTION');
      case 'BEGIN':
      case 'START TRANSACTION':
        if (this.#isRolledBack) this.#setEnded('ROLLBACK');
        else this.lost ??= endIsOurs();
        return;
      case 'ROLLBACK':
        this.#isRolledBack = true;
        // The server's answer to a COMMIT of a transaction in which a statement had failed.
        if (this.#ending === 'COMMIT' && this.#text === 'COMMIT') this.#ending = 'ROLLBACK';
        if (this.#ending !== 'ROLLBACK' && CHAINS.test(this.#text)) this.#setEnded('ROLLBACK');
        return this.#checkSavepoint();
      case 'SAVEPOINT':
      case 'RELEASE':
        return this.#checkSavepoint();
    }
  };

  readonly #onReady = ({ status }: { status?: string }): void => {
    const isEnded = this.#ending === undefined || (this.#ending === 'COMMIT' && this.#isRolledBack);
    this.#isRolledBack = false;
    if (status === 'I' && isEnded) this.#setEnded('ROLLBACK');
  };

  /** Whoever releases a savepoint of ours, or rolls back to it, undoes what was reported as done. */
  #checkSavepoint(): void {
    const text = this.#text;
    if (this.#ownSavepoints.delete(text)) return;
    if (OUR_SAVEPOINT.test(text)) this.lost ??= savepointIsOurs();
  }

  get #text(): string {
    const text = this.#client._activeQuery?.text;
    return typeof text === 'string' ? text : '';
  }

  #setEnded(command: EndingCommand): void {
    if (this.endedWithin === undefined) this.lost = new TransactionEndedWithinError(command);
  }
}
