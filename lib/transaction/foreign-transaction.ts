import type { QueryRunner } from 'typeorm';
import { TransactionEndedError } from '../errors/transaction-error.js';
import type { Connection, ConnectionSettings } from '../postgres/connection.js';
import type { AmbientTransaction } from './ambient-transaction.js';
import { queryRunnerConnection } from './explicit-transaction.js';

/** A transaction that the application itself has begun on a query runner, and will end itself. */
export class ForeignTransaction implements AmbientTransaction {
  readonly queryRunner: QueryRunner;

  constructor(queryRunner: QueryRunner) {
    this.queryRunner = queryRunner;
  }

  connection(settings: ConnectionSettings): Connection {
    const connection: Connection = {
      run: async (statement, values) => {
        const { isReleased, isTransactionActive } = this.queryRunner;
        if (isReleased || !isTransactionActive) throw new TransactionEndedError('An insert');
        const current = await queryRunnerConnection(this.queryRunner, settings);
        return await current.run(statement, values);
      },
      transaction: (work) => work(connection),
    };
    return connection;
  }
}
