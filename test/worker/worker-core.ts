import type { DataSource } from 'typeorm';
import { SchemaName } from '../../lib/postgres/connection/schema-name.js';
import { OutageLog } from '../../lib/worker/outage-log.js';
import type { WorkerCore } from '../../lib/worker/worker-core.js';
import { WorkerDatabase } from '../../lib/worker/worker-database.js';
import {
  createDataSource,
  type Connectable,
  type TestDataSourceOptions,
} from '../support/index.js';

/** A worker's own connections, and the data source that they are made from. */
export interface OpenedWorker {
  readonly dataSource: DataSource;
  readonly database: WorkerDatabase;
  readonly schema: SchemaName;
  /** Without options of a worker, which not all of its parts need. */
  readonly core: WorkerCore;
  close(): Promise<void>;
}

export async function openWorker(
  target: Connectable,
  { max = 3, schema, ...options }: TestDataSourceOptions = {},
): Promise<OpenedWorker> {
  const dataSource = await createDataSource(target, options);
  const name = new SchemaName(schema);
  const given = { max, schema: name, preparedStatements: undefined };
  const database = await WorkerDatabase.open(dataSource, given);
  return {
    dataSource,
    database,
    schema: name,
    core: {
      clientId: 'test',
      connection: database.connection,
      schema: name,
      outages: new OutageLog(),
    } as WorkerCore,
    async close() {
      await database.close();
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}
