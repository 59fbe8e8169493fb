import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { DatabaseError } from '../errors/database-errors.js';
import { NotInTransactionError, TransactionEndedError } from '../errors/transaction-errors.js';
import {
  ClientConnection,
  rawClient,
  type Connection,
  type ConnectionSettings,
} from '../postgres/connection/connection.js';
import { inTurn, isBusy } from '../postgres/driver/client-turns.js';
import { learnStatus } from '../postgres/driver/older-pg.js';
import { isClosed, type PgClient } from '../postgres/driver/pg-client.js';
import type { AmbientTransaction } from './context/ambient-transaction.js';
import { followForeign, guardForeign, isRollingBack } from './engine/foreign-guard.js';

/** A transaction that the application itself has begun on a query runner, and will end itself. */
export class ForeignTransaction implements AmbientTransaction {
  readonly queryRunner: QueryRunner;
  readonly #dataSource: DataSource;

  private constructor(queryRunner: QueryRunner, dataSource: DataSource) {
    this.queryRunner = queryRunner;
    this.#dataSource = dataSource;
  }

  /**
   * @param notOpen makes the error for a query runner that is not in a transaction
   * @throws DatabaseError when it was, and the connection is lost
   */
  static on(
    queryRunner: QueryRunner,
    dataSource: DataSource,
    notOpen: () => Error,
  ): ForeignTransaction {
    const transaction = new ForeignTransaction(queryRunner, dataSource);
    transaction.#requireOpen(notOpen);
    guardForeign(dataSource, queryRunner);
    return transaction;
  }

  /** One that is known to be open. It is guarded from the first call in it on. */
  static opened(queryRunner: QueryRunner, dataSource: DataSource): ForeignTransaction {
    return new ForeignTransaction(queryRunner, dataSource);
  }

  get isOpen(): boolean {
    return !this.queryRunner.isReleased && this.queryRunner.isTransactionActive;
  }

  #requireOpen(notOpen: () => Error): void {
    if (!this.isOpen) throw lostConnection(this.queryRunner) ?? notOpen();
  }

  follow<T>(_what: string, begin: () => Promise<T>): Promise<T> {
    // The transaction may be another than the one that was joined first, on the same query runner.
    guardForeign(this.#dataSource, this.queryRunner);
    return followForeign(this.queryRunner, begin);
  }

  join<T>(begin: () => Promise<T>): Promise<T> {
    return begin();
  }

  nest<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.queryRunner.manager.transaction(work);
  }

  /** Whoever opened it has the error, and decides. */
  abandon(): void {}

  connection(settings: ConnectionSettings): Connection {
    const open = async (): Promise<ClientConnection> => {
      this.#requireOpen(ended);
      const client = await rawClient(this.queryRunner, 'insert');
      const learning = learnStatus(client);
      if (learning !== undefined) await learning;
      requireOpen(client, 'the query runner');
      return new ClientConnection(client, settings, this.queryRunner);
    };
    return foreignConnection(open, () => (isRollingBack(this.queryRunner) ? ended() : undefined));
  }
}

/**
 * The connection of a transaction that is not ours. `pg` is given our statements one at a time, unless
 * its client is in pipeline mode: more are deprecated in 8, and 9 rejects them.
 *
 * @param open checks that the transaction is open
 * @param refusal why a bulk insert is of no use any more
 */
export function foreignConnection(
  open: () => Promise<ClientConnection>,
  refusal: () => Error | undefined,
): Connection {
  const connection: Connection = {
    inTransaction: true,
    run: async (...call) => {
      const own = await open();
      const { client } = own;
      if (client.pipeline === true) return await own.run(...call).catch(asUnknown);
      if (!isBusy(client)) return await inTurn(client, () => own.run(...call));
      // The transaction may end while the statement waits.
      return await inTurn(client, async () => await (await open()).run(...call));
    },
    transaction: (work) => work(connection),
    exclusive: async (work) =>
      await (await open()).exclusive((alone, others) => work(alone, { ...others, refusal })),
  };
  return connection;
}

/** In pipeline mode a COMMIT of the caller's may have been sent behind a statement that was not answered. */
function asUnknown(error: unknown): never {
  if (!(error instanceof DatabaseError) || !error.endsConnection) throw error;
  throw new DatabaseError('transaction', error.cause, { outcome: 'unknown' });
}

/**
 * TypeORM calls a query runner released when its connection breaks, and says no more. One that was
 * released by its user has not left the transaction either, but its connection lives.
 */
function lostConnection(queryRunner: QueryRunner): DatabaseError | undefined {
  if (!queryRunner.isReleased || !queryRunner.isTransactionActive) return undefined;
  const { databaseConnection: client } = queryRunner as { databaseConnection?: PgClient };
  if (client === undefined || !isClosed(client)) return undefined;
  return new DatabaseError('transaction', new Error('Connection terminated while it was open'));
}

/** What the server says counts: somebody may have ended the transaction by a statement of his own. */
export function requireOpen(client: PgClient, what: string): void {
  const status = client.getTransactionStatus();
  if (status !== 'T' && status !== 'E') throw notInTransaction(what);
}

export function notInTransaction(what: string): NotInTransactionError {
  return new NotInTransactionError(
    `tx: ${what} is not in a transaction. Use insert() to insert a job outside a transaction, or give the ` +
      'manager of dataSource.transaction(...), a query runner after startTransaction(), or a pg client after BEGIN.',
  );
}

function ended(): TransactionEndedError {
  return new TransactionEndedError('A call of RiverClient');
}
