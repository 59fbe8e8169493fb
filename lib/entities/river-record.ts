import { Column, Entity, type ColumnOptions } from 'typeorm';

/** What all rows of River's tables have in common, and by which the subscriber knows them. */
export abstract class RiverRecord {}

/** A table of River's, for TypeORM. */
export interface RiverTable<Row> {
  readonly table: string;
  /** The columns by the names of the properties. */
  readonly columns: Readonly<Record<keyof Row, ColumnOptions>>;
}

/**
 * Makes an entity class. By the decorators called as functions, since a class of decorators knows its
 * schema for good, and an EntitySchema cannot be related to an application's decorated classes.
 */
export function entityClass<Row>(
  { table, columns }: RiverTable<Row>,
  name: string,
  schema: string | undefined,
): new () => Row {
  const entity = class extends RiverRecord {};
  // TypeORM and Nest know an entity by the name of its class.
  Object.defineProperty(entity, 'name', { value: name });
  Entity({ name: table, schema, synchronize: false })(entity);
  for (const [property, column] of Object.entries<ColumnOptions>(columns)) {
    Column({ ...column, insert: false, update: false })(entity.prototype, property);
  }
  return entity as unknown as new () => Row;
}
