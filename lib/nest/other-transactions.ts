import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { DataSource } from 'typeorm';

/**
 * Recognises other packages that open transactions on the data source, by what they leave on it and
 * in the application, and warns once for each where the module has no `transactionSource`: inserts
 * would not join. The packages are optional, so nothing of them is imported.
 */
export class OtherTransactions implements OnApplicationBootstrap {
  readonly #dataSource: DataSource;
  readonly #modules: ModulesContainer;

  constructor(dataSource: DataSource, modules: ModulesContainer) {
    this.#dataSource = dataSource;
    this.#modules = modules;
  }

  /** Data sources may be patched, and hosts made, until all modules have begun. */
  onApplicationBootstrap(): void {
    const logger = new Logger('RiverModule');
    if ('@transactional/data-source' in this.#dataSource) {
      logger.warn(advice('typeorm-transactional', 'typeormTransactionalTransactions'));
    }
    if (this.#hasTransactionHost()) logger.warn(advice('nestjs-cls', 'nestjsClsTransactions'));
  }

  #hasTransactionHost(): boolean {
    for (const { providers } of this.#modules.values()) {
      for (const { instance } of providers.values()) {
        if (isTransactionHost(instance) && dataSourceOfHost(instance) === this.#dataSource)
          return true;
      }
    }
    return false;
  }
}

interface TransactionHost {
  readonly tx: unknown;
}

function isTransactionHost(value: unknown): value is TransactionHost {
  if (typeof value !== 'object' || value === null) return false;
  const host = value as Record<string, unknown>;
  return (
    (value.constructor as { name?: unknown } | undefined)?.name === 'TransactionHost' &&
    typeof host['withTransaction'] === 'function' &&
    typeof host['isTransactionActive'] === 'function'
  );
}

/** Outside a transaction, the host of TypeORM's adapter has the manager of the data source. */
function dataSourceOfHost({ tx }: TransactionHost): unknown {
  return (tx as { connection?: unknown } | undefined)?.connection;
}

function advice(path: string, adapter: string): string {
  return (
    `${path === 'nestjs-cls' ? '@nestjs-cls/transactional' : path} opens transactions on this data ` +
    'source, but RiverModule has no transactionSource, so inserts may not join them. Give ' +
    `RiverModule.forRoot({ transactionSource: ${adapter}() }), with ${adapter} from 'nestjs-river/${path}'.`
  );
}
