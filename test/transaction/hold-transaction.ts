import type { DataSource } from 'typeorm';

/** From here on the application works in one transaction. What is returned rolls it back. */
export async function holdTransaction(dataSource: DataSource): Promise<() => Promise<void>> {
  const createQueryRunner = dataSource.createQueryRunner.bind(dataSource);
  const queryRunner = dataSource.createQueryRunner();
  const release = queryRunner.release.bind(queryRunner);
  await queryRunner.startTransaction();
  queryRunner.release = () => Promise.resolve();
  dataSource.createQueryRunner = () => queryRunner;
  return async () => {
    dataSource.createQueryRunner = createQueryRunner;
    queryRunner.release = release;
    await queryRunner.rollbackTransaction();
    await queryRunner.release();
  };
}
