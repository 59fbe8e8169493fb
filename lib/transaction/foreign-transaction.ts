import type { DataSource, QueryRunner } from 'typeorm';
import { NotInTransactionError, TransactionEndedError } from '../errors/transaction-error.js';
import {
  ClientConnection,
  rawClient,
  type Connection,
  type ConnectionSettings,
} from '../postgres/connection.js';
import type { PgClient } from '../postgres/pg-client.js';
import type { AmbientTransaction } from './ambient-transaction.js';
import { followForeign, isRollingBack } from './foreign-guard.js';

/** A transaction that the application itself has begun on a query runner, and will end itself. */
export class ForeignTransaction implements AmbientTransaction {
  readonly queryRunner: QueryRunner;
  readonly #dataSource: DataSource;

  constructor(queryRunner: QueryRunner, dataSource: DataSource) {
    this.queryRunner = queryRunner;
    this.#dataSource = dataSource;
  }

  get isOpen(): boolean {
    return !this.queryRunner.isReleased && this.queryRunner.isTransactionActive;
  }

  follow<T>(_what: string, begin: () => Promise<T>): Promise<T> {
    return followForeign(this.#dataSource, this.queryRunner, begin);
  }

  connection(settings: ConnectionSettings): Connection {
    const open = async (): Promise<ClientConnection> => {
      if (!this.isOpen) throw new TransactionEndedError('A call of RiverClient');
      const client = await rawClient(this.queryRunner, 'insert');
      requireOpen(client, 'the query runner');
      return new ClientConnection(client, settings, this.queryRunner);
    };
    const refusal = (): Error | undefined =>
      isRollingBack(this.queryRunner)
        ? new TransactionEndedError('A call of RiverClient')
        : undefined;
    const connection: Connection = {
      inTransaction: true,
      run: async (...call) => await (await open()).run(...call),
      transaction: (work) => work(connection),
      exclusive: async (work) =>
        await (await open()).exclusive((alone, others) => work(alone, { ...others, refusal })),
    };
    return connection;
  }
}

/** What the server says counts: somebody may have ended the transaction by a statement of his own. */
export function requireOpen(client: PgClient, what: string): void {
  const status = client.getTransactionStatus();
  if (status !== 'T' && status !== 'E') throw notInTransaction(what);
}

export function notInTransaction(what: string): NotInTransactionError {
  return new NotInTransactionError(
    `tx: ${what} is not in a transaction. Use insert() to insert a job by itself, or give the ` +
      'manager of dataSource.transaction(...), a query runner after startTransaction(), or a pg client after BEGIN.',
  );
}
