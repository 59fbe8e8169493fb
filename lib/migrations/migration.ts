/** Which way: `up` adds versions, `down` takes them away. */
export type MigrationDirection = 'up' | 'down';

/** One version of River's schema. The functions take what goes before a name: `"app".` or ''. */
export interface Migration {
  readonly version: number;
  /** River's name for it. */
  readonly name: string;
  readonly up: (schema: string) => string;
  readonly down: (schema: string) => string;
}
