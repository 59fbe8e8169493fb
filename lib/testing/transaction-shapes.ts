import { DataSource, EntityManager, type QueryRunner } from 'typeorm';

/** What mocks of an entity manager have some of. */
const METHODS = Object.getOwnPropertyNames(EntityManager.prototype).filter(
  (name) => name !== 'constructor',
);

export function hasMethod(target: object, name: string): boolean {
  return typeof (target as Readonly<Record<string, unknown>>)[name] === 'function';
}

/** Whether it has any method of an entity manager. */
export function isLikeManager(tx: object): boolean {
  return METHODS.some((name) => hasMethod(tx, name));
}

/** A query runner has neither. Automatic mocks have everything. */
export function isManager(tx: object): boolean {
  return hasMethod(tx, 'save') || hasMethod(tx, 'getRepository');
}

/** The query runner that a `tx` is, or has. */
export function runnerOf(tx: object): QueryRunner | undefined {
  const isRunner = (value: unknown): value is QueryRunner =>
    typeof (Object(value) as Partial<QueryRunner>).startTransaction === 'function';
  const { queryRunner } = tx as Partial<EntityManager>;
  if (isRunner(tx) && typeof tx.commitTransaction === 'function') return tx;
  return isRunner(queryRunner) ? queryRunner : undefined;
}

/** Whether it is TypeORM's, and no mock. */
export function isGenuine(dataSource: unknown): dataSource is DataSource {
  return dataSource instanceof DataSource;
}
