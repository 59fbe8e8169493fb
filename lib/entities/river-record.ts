import { Column, Entity, type ColumnOptions } from 'typeorm';
import { ENTITY_NAMES, type EntityNames } from '../postgres/rows/entity-names.js';

/**
 * What all rows of River's tables have in common, and by which the subscriber knows them, those of
 * another installed copy of this package as well.
 */
export abstract class RiverRecord {
  declare readonly [ENTITY_NAMES]: EntityNames;

  static [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RiverRecord) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && ENTITY_NAMES in value;
  }
}

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
  const names: Record<string, string> = {};
  for (const [property, column] of Object.entries<ColumnOptions>(columns)) {
    // Naming strategies are asked for the names of columns that have none.
    const columnName = (names[property] = column.name ?? property);
    Column({ ...column, name: columnName, insert: false, update: false })(
      entity.prototype,
      property,
    );
  }
  const value: EntityNames = { table, columns: names };
  Object.defineProperty(entity.prototype, ENTITY_NAMES, { value });
  return entity as unknown as new () => Row;
}
