import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Connectable } from './query.js';

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/** TypeORM's own options, and the size of its pool by name. */
export interface TestDataSourceOptions extends Partial<
  Pick<
    PostgresOptions,
    'entities' | 'schema' | 'isolationLevel' | 'logger' | 'logging' | 'synchronize'
  >
> {
  /** How many connections the pool may open. Default: 10, the default of `pg`. */
  readonly max?: number;
  /** Options for the pool itself, such as `options: '-c lock_timeout=1000'`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Opens a TypeORM data source on a test database. The file destroys it in its `afterAll`. */
export async function createDataSource(
  { url }: Connectable,
  { max = 10, extra, ...options }: TestDataSourceOptions = {},
): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    ...options,
    extra: { ...extra, max },
  });
  return dataSource.initialize();
}

/** Until the pool has seen that all its connections are closed. */
export async function untilPoolIsEmpty(dataSource: DataSource): Promise<void> {
  const { master } = dataSource.driver as unknown as { readonly master: { totalCount: number } };
  while (master.totalCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}
