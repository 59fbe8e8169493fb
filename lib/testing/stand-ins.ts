import type { ExecutionContext } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { resolveOptions, type ResolvedOptions } from '../client/options/resolved-options.js';
import { dataSourceOf, isQueryRunner } from '../transaction/explicit-transaction.js';
import { ApplicationTransactions } from './application-transactions.js';
import { memoryDataSource } from './memory/memory-data-source.js';

/** By the data source in memory, and by the application's own. */
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
  const transactions = new ApplicationTransactions(memory, application, joins);
  applications.set(memory, transactions);
  if (application !== undefined) applications.set(application, transactions);
  return memory;
}

/** The transactions of an application, by its data source or the one in memory beside it. */
export function applicationOf(dataSource: DataSource): ApplicationTransactions | undefined {
  return applications.get(dataSource);
}

/**
 * The options of a module whose tables are in memory: transactions that the application names are those
 * of its own data source, and others stand for them.
 */
export function optionsInMemory(options: ResolvedOptions): ResolvedOptions {
  const { transactionSource, requestQueryRunner } = options;
  return resolveOptions({
    ...options,
    transactionSource: (memory: DataSource) => applicationOf(memory)?.current(transactionSource),
    requestQueryRunner:
      requestQueryRunner &&
      ((context: ExecutionContext) => {
        const found = requestQueryRunner(context);
        const application = isQueryRunner(found) ? applicationOf(dataSourceOf(found)) : undefined;
        return application ? application.named(found) : found;
      }),
  });
}
