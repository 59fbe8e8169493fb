import { Logger as NestLogger } from '@nestjs/common';
import type { Logger, QueryRunner } from 'typeorm';
import { now } from '../../real-time.js';

/** Whose logger and slow-query limit see the statements: a data source, or what stands for one. */
export interface LoggingDataSource {
  readonly logger: Pick<Logger, 'logQuery' | 'logQueryError' | 'logQuerySlow'>;
  readonly options: { readonly maxQueryExecutionTime?: number };
}

/** Loggers that have failed, so that each is reported once. */
const failed = new WeakSet<object>();

/**
 * TypeORM's logger sees our statements, without the values, since args may hold what must not be
 * logged. What it throws, or rejects with, is reported and changes nothing: the statement may be done.
 */
export class StatementLog {
  readonly #dataSource: LoggingDataSource;
  readonly #queryRunner: QueryRunner | undefined;

  constructor(dataSource: LoggingDataSource, queryRunner?: QueryRunner) {
    this.#dataSource = dataSource;
    this.#queryRunner = queryRunner;
  }

  /** @returns when it began */
  begin(text: string): number {
    this.#log((logger) => logger.logQuery(text, undefined, this.#queryRunner));
    return now();
  }

  end(text: string, begin: number): void {
    const { maxQueryExecutionTime } = this.#dataSource.options;
    if (!maxQueryExecutionTime) return;
    const took = now() - begin;
    if (took <= maxQueryExecutionTime) return;
    this.#log((logger) => logger.logQuerySlow(took, text, undefined, this.#queryRunner));
  }

  /** The message alone: the driver's error quotes the values of a row that was refused. */
  failure(text: string, { message }: Error): void {
    this.#log((logger) => logger.logQueryError(message, text, undefined, this.#queryRunner));
  }

  #log(write: (logger: LoggingDataSource['logger']) => unknown): void {
    const { logger } = this.#dataSource;
    try {
      const written = write(logger);
      if (written instanceof Promise) written.catch((error: unknown) => report(logger, error));
    } catch (error) {
      report(logger, error);
    }
  }
}

function report(logger: object, error: unknown): void {
  if (failed.has(logger)) return;
  failed.add(logger);
  new NestLogger('RiverClient').warn(
    `The logger of the data source threw an error; the statement was not affected: ${String(error)}`,
  );
}
