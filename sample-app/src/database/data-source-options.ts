import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import { CreateOrders1763700000000 } from './migrations/1763700000000-create-orders.js';

/** The application's own tables come by migrations, as they would in production. */
export function dataSourceOptions(url: string): TypeOrmModuleOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'sample-app',
    autoLoadEntities: true,
    migrations: [CreateOrders1763700000000],
    migrationsTableName: 'sample_migration',
    migrationsRun: true,
    // Without them, statements wait for minutes when the network falls silent.
    extra: { query_timeout: 60_000, connectionTimeoutMillis: 10_000 },
    // The database was reached a moment ago; a failure now is worth seeing at once.
    retryAttempts: 1,
  };
}
