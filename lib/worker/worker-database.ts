import type { DataSource } from 'typeorm';
import { PoolConnection } from '../postgres/connection/pool-connection.js';
import type { SchemaName } from '../postgres/connection/schema-name.js';
import { ownDataSource } from './own-data-source.js';

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

  private constructor(dataSource: DataSource, { preparedStatements }: WorkerDatabaseOptions) {
    this.dataSource = dataSource;
    this.connection = new PoolConnection({ dataSource, preparedStatements });
  }

  /** Connects, and checks that River's tables are there. */
  static async open(
    dataSource: DataSource,
    options: WorkerDatabaseOptions,
  ): Promise<WorkerDatabase> {
    const own = await ownDataSource(dataSource, options.max).initialize();
    return new WorkerDatabase(own, options);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }
}
