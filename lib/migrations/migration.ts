/** Which way: `up` adds versions, `down` takes them away. */
export type MigrationDirection = 'up' | 'down';

/** One version of River's schema. */
export interface Migration {
  readonly version: number;
  /** River's name for it. */
  readonly name: string;
  readonly up: MigrationSql;
  readonly down: MigrationSql;
}

/**
 * Gives the SQL of one way.
 *
 * @param schema what goes before a name: `"app".` or ''
 * @param last the version that follows last in the same call; by default none follows
 */
export type MigrationSql = (schema: string, last?: number) => string;
