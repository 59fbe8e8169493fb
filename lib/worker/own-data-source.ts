import { DataSource } from 'typeorm';

/** A data source that connects as another one does, and has nothing but its connections. */
export function ownDataSource({ options }: DataSource, max: number): DataSource {
  return new DataSource({
    ...options,
    entities: [],
    migrations: [],
    subscribers: [],
    synchronize: false,
    dropSchema: false,
    migrationsRun: false,
    cache: false,
    poolSize: max,
  } as DataSource['options']);
}
