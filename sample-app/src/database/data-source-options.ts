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
    // The database was reached a moment ago; a failure now is worth seeing at once.
    retryAttempts: 1,
  };
}
