import { EventEmitter } from 'node:events';
import { DataSource, type QueryRunner } from 'typeorm';
import { RiverError } from '../../errors/river-error.js';
import { MemoryClient } from './memory-client.js';
import { MemoryStore } from './memory-store.js';
import { unsupported } from './unsupported.js';

type Connected = (error: unknown, client: MemoryClient, release: (error?: unknown) => void) => void;

/** Stands for the pool of `pg`; it opens as many connections as are asked for. */
class MemoryPool extends EventEmitter {
  readonly #store: MemoryStore;
  readonly #idle: MemoryClient[] = [];

  constructor(store: MemoryStore) {
    super();
    this.#store = store;
  }

  connect(connected: Connected): void {
    const client = this.#idle.pop() ?? new MemoryClient(this.#store);
    const release = (error?: unknown): void => {
      if (error === undefined && !client._ending) this.#idle.push(client);
      else void client.end();
    };
    void Promise.resolve().then(() => connected(null, client, release));
  }

  end(ended: () => void): void {
    void Promise.resolve().then(ended);
  }
}

const STORE = Symbol('nestjs-river.MemoryStore');

interface WithStore {
  [STORE]?: MemoryStore;
}

/**
 * A data source of TypeORM's own whose driver keeps River's tables in memory.
 *
 * The driver is the narrowest seam: below it are statements and their values, above it is everything
 * that the library does. So checks, options, rows, unique keys, transactions with their savepoints, hooks
 * and unawaited work, errors and waits are the real ones, over TypeORM's real query runner; nothing of a
 * client is written twice.
 *
 * - `MemoryStore` holds the rows. A `MemoryTransaction` holds, in a stack of layers, what it has changed:
 *   one layer for itself, one for each savepoint, one for the statement under way. A rollback drops
 *   layers, a release merges them, COMMIT applies them to the store.
 * - What an open transaction has changed is locked. A statement that meets it waits for the end of that
 *   transaction, and is run again: so equal unique jobs wait for each other as in Postgres.
 * - `MemoryClient` has the form of a client of `pg`: texts come in, rows go out. It knows the statements on
 *   transactions; `executeOf` finds what any other does, by the very texts that the library builds, or by
 *   what those begin with that are put together for each call.
 * - Any other text, an entity, COPY and streams are rejected with `RIVER_NOT_IN_MEMORY`. `insertManyFast`
 *   inserts in parts, as it does in the pipeline mode of `pg`.
 *
 * A statement that is added to the library is not known here until it is written here: the test
 * `every-method` calls each method of the client in memory, and fails. `test/testing/same-*` runs the same
 * tests in memory and on Postgres.
 *
 * Not imitated: snapshots above READ COMMITTED (locks of unique jobs are rejected there, as in Postgres),
 * time-outs of statements and locks, notifications, triggers and policies.
 */
export async function memoryDataSource(): Promise<DataSource> {
  const store = new MemoryStore();
  const driver = {
    Pool: class extends MemoryPool {
      constructor() {
        super(store);
      }
    },
  };
  const dataSource = new DataSource({ type: 'postgres', driver });
  await dataSource.initialize();
  Object.defineProperty(dataSource, STORE, { value: store });
  const createQueryRunner = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => explained(createQueryRunner(mode));
  Object.defineProperty(dataSource, 'findMetadata', {
    value: () => {
      throw unsupported('A repository, or an entity manager,');
    },
  });
  return dataSource;
}

export function storeOf(dataSource: DataSource): MemoryStore | undefined {
  return (dataSource as WithStore)[STORE];
}

/** A query runner that is in a transaction, in the same turn; savepoints make it `depth` deep. */
export function begunQueryRunner(dataSource: DataSource, depth: number): QueryRunner {
  const client = new MemoryClient(storeOf(dataSource) ?? new MemoryStore());
  client.begin();
  for (let savepoint = 1; savepoint < depth; savepoint++) {
    void client.query(`SAVEPOINT typeorm_${savepoint}`);
  }
  return Object.assign(dataSource.createQueryRunner(), {
    databaseConnection: client,
    isTransactionActive: true,
    transactionDepth: depth,
  });
}

/** TypeORM wraps what its driver throws; what cannot run here says so itself. */
function explained(queryRunner: QueryRunner): QueryRunner {
  const query = queryRunner.query.bind(queryRunner) as (...args: unknown[]) => Promise<unknown>;
  const explaining = async (...args: unknown[]): Promise<unknown> => {
    try {
      return await query(...args);
    } catch (error) {
      const { driverError } = error as { driverError?: unknown };
      throw RiverError.is(driverError) ? driverError : error;
    }
  };
  return Object.assign(queryRunner, { query: explaining });
}
