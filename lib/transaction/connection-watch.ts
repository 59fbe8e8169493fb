import type { EventEmitter } from 'node:events';
import type { QueryRunner } from 'typeorm';
import { DatabaseError } from '../errors/database-error.js';
import type { PgClient } from '../postgres/pg-client.js';

/**
 * Notes why a connection breaks while nothing is under way on it. TypeORM then calls its query runner
 * released, and would say no more than that of each statement that follows.
 */
export class ConnectionWatch {
  readonly #client: Partial<EventEmitter>;
  readonly #onError: (cause: unknown) => void;
  /** Why the connection is gone, once it is. */
  lost: DatabaseError | undefined;

  /** To be made when the query runner is connected, so that TypeORM has heard first. */
  constructor(queryRunner: QueryRunner, client: PgClient) {
    this.#client = client as Partial<EventEmitter>;
    this.#onError = (cause) => {
      this.lost ??= new DatabaseError('transaction', cause);
      Object.assign(queryRunner, { isReleased: false });
    };
    this.#client.on?.('error', this.#onError);
  }

  stop(): void {
    this.#client.off?.('error', this.#onError);
  }
}
