import type { DataSource } from 'typeorm';
import { ApplicationTransactions } from './application-transactions.js';
import { memoryDataSource } from './memory/memory-data-source.js';

const applications = new WeakMap<DataSource, ApplicationTransactions>();

/**
 * A data source in memory for River's tables.
 *
 * @param application the data source of the application that it stands beside
 * @param joins whether repositories of that one join its transactions
 */
export async function standInFor(
  application: DataSource | undefined,
  joins: boolean,
): Promise<DataSource> {
  const memory = await memoryDataSource();
  applications.set(memory, new ApplicationTransactions(memory, application, joins));
  return memory;
}

/** The transactions of the application beside a data source in memory. */
export function applicationOf(memory: DataSource): ApplicationTransactions | undefined {
  return applications.get(memory);
}
