import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** The transaction of a test; see {@link holdTransaction}. */
export interface HeldTransaction {
  /** Sees what the application does, and takes part in it. */
  readonly manager: EntityManager;
  readonly queryRunner: QueryRunner;
  /** Undoes everything, and gives the connection back. Await what the application does before. */
  rollback(): Promise<void>;
}

/**
 * From here on the whole application works in one transaction on one connection: repositories, inserts,
 * requests over HTTP; its own transactions become savepoints. `rollback()` undoes all of it.
 *
 * @example
 * let held: HeldTransaction;
 * beforeEach(async () => (held = await holdTransaction(app.get(DataSource))));
 * afterEach(() => held.rollback());
 */
export async function holdTransaction(dataSource: DataSource): Promise<HeldTransaction> {
  const createQueryRunner = Object.getOwnPropertyDescriptor(dataSource, 'createQueryRunner');
  const queryRunner = dataSource.createQueryRunner();
  await queryRunner.startTransaction();
  const release = queryRunner.release.bind(queryRunner);
  queryRunner.release = () => Promise.resolve();
  dataSource.createQueryRunner = () => queryRunner;
  let ended: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    if (createQueryRunner === undefined)
      delete (dataSource as Partial<DataSource>).createQueryRunner;
    else Object.defineProperty(dataSource, 'createQueryRunner', createQueryRunner);
    queryRunner.release = release;
    try {
      if (queryRunner.isTransactionActive) await queryRunner.rollbackTransaction();
    } finally {
      await queryRunner.release();
    }
  };
  const rollback = (): Promise<void> => (ended ??= end());
  return { manager: queryRunner.manager, queryRunner, rollback };
}
