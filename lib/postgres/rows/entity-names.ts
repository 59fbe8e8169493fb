import type { DataSource } from 'typeorm';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { nameText } from '../../errors/name-text.js';

/** By this the classes of `nestjs-river/entities` are known, those of another copy of it included. */
export const ENTITY_NAMES = Symbol.for('nestjs-river.entityNames');

/** What a table of River's and its columns, by the names of the properties, are called. */
export interface EntityNames {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
}

/**
 * Refuses a naming strategy, or an `entityPrefix`, that gives other names to River's tables: those in
 * the database are River's.
 *
 * @throws RiverConfigurationError
 */
export function checkEntityNames({ entityMetadatas, options }: DataSource): void {
  for (const { target, name, tableName, columns } of entityMetadatas) {
    const names = namesOf(target);
    if (names === undefined) continue;
    const renamed = columns.find(
      ({ propertyName: property, databaseName }) =>
        Object.hasOwn(names.columns, property) && names.columns[property] !== databaseName,
    );
    const wrong =
      tableName === names.table
        ? renamed && [`column "${names.columns[renamed.propertyName]}"`, renamed.databaseName]
        : [`table "${names.table}"`, tableName];
    if (wrong === undefined) continue;
    const { entityPrefix, namingStrategy } = options as {
      entityPrefix?: string;
      namingStrategy?: object;
    };
    const cause = entityPrefix
      ? 'its entityPrefix'
      : `its naming strategy (${nameText(namingStrategy?.constructor.name ?? 'unknown')})`;
    throw new RiverConfigurationError(
      `The data source looks for River's ${wrong[0]} (entity ${name}) under the name "${nameText(wrong[1] ?? '')}", ` +
        `by ${cause}. Let tableName and columnName of the strategy return the custom name that they are ` +
        "given, or use River's entities in another data source without it.",
      { code: 'RIVER_ENTITY_RENAMED', field: 'entities' },
    );
  }
}

function namesOf(target: unknown): EntityNames | undefined {
  if (typeof target !== 'function') return undefined;
  return (target.prototype as { [ENTITY_NAMES]?: EntityNames } | undefined)?.[ENTITY_NAMES];
}
