import type { DataSource } from 'typeorm';
import { DatabaseError, driverErrorOf } from '../errors/database-errors.js';
import { ShuttingDownError } from '../errors/transaction-errors.js';
import { endsWithin } from '../abort-signal.js';
import { checkPooler } from '../postgres/connection/check-pooler.js';
import { checkSchema } from '../postgres/connection/check-schema.js';
import { PoolConnection } from '../postgres/connection/pool-connection.js';
import type { SchemaName } from '../postgres/connection/schema-name.js';
import { closeConnecting } from '../postgres/driver/connecting-clients.js';
import { ownDataSource } from './own-data-source.js';

/** Milliseconds for statements under way at the end. */
const CLOSE_MS = 5_000;

/** How a worker connects. */
export interface WorkerDatabaseOptions {
  /** How many connections it may open, that which listens included. */
  readonly max: number;
  readonly schema: SchemaName;
  /** The option of the client. */
  readonly preparedStatements: boolean | undefined;
}

/**
 * The worker's own connections to the database of a data source. Ten jobs that hold ten connections of
 * the application's pool cannot keep the worker from storing their outcomes and renewing its leases.
 */
export class WorkerDatabase {
  readonly connection: PoolConnection;
  /** @internal Of the worker alone: without entities, migrations and subscribers. */
  readonly dataSource: DataSource;
  /** What closes the connections in use. */
  readonly #cuts = new Set<() => void>();
  readonly #end = new AbortController();
  #onFree: (() => void) | undefined;

  private constructor(dataSource: DataSource, preparedStatements: boolean | undefined) {
    this.dataSource = dataSource;
    const whenCut = (cut: () => void): (() => void) => {
      this.#cuts.add(cut);
      return () => {
        this.#cuts.delete(cut);
        if (this.#cuts.size === 0) this.#onFree?.();
      };
    };
    const settings = { dataSource, preparedStatements, whenCut };
    this.connection = new PoolConnection(settings, undefined, [this.#end.signal]);
  }

  /**
   * Connects, and checks River's tables and the way to them as the client does.
   *
   * @param dataSource initialized
   * @throws DatabaseError, RiverConfigurationError
   */
  static async open(
    dataSource: DataSource,
    { max, schema, preparedStatements }: WorkerDatabaseOptions,
  ): Promise<WorkerDatabase> {
    const own = await connected(ownDataSource(dataSource, max));
    const database = new WorkerDatabase(own, preparedStatements);
    const settings = { dataSource: own, preparedStatements };
    try {
      await database.connection.lend('schema check', async (lent) => {
        const backend = await checkSchema(lent, schema);
        await checkPooler(lent, backend, settings);
      });
    } catch (error) {
      await database.close();
      throw error;
    }
    return database;
  }

  /** Closes the connections: those in use when their statements have ended, or after 5 seconds. */
  async close(): Promise<void> {
    if (!this.dataSource.isInitialized) return;
    await endsWithin(CLOSE_MS, this.#whenFree());
    // A pool that ends forgets those who wait for a connection.
    this.#end.abort(new ShuttingDownError());
    for (const cut of this.#cuts) cut();
    closeConnecting(this.dataSource);
    await this.dataSource.destroy();
  }

  #whenFree(): Promise<void> {
    if (this.#cuts.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onFree = resolve));
  }
}

async function connected(dataSource: DataSource): Promise<DataSource> {
  try {
    return await dataSource.initialize();
  } catch (error) {
    // A connection may be open already. There is none to close where the first one failed.
    await dataSource.driver.disconnect().catch(() => undefined);
    throw new DatabaseError('connect', driverErrorOf(error));
  }
}
