import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import type { RiverClient } from 'nestjs-river';
import {
  createTestDatabase,
  installRiver,
  queryAll,
  type TestDatabase,
} from '../../support/index.js';
import { GoClient } from './go-client.js';
import { openRiver, type RiverApp } from './river-app.js';
import { StoredRows } from './stored-rows.js';

/** The two schemas of a {@link TwoSides} database. */
export const SCHEMAS = ['public', 'other_river'] as const;
export type Schema = (typeof SCHEMAS)[number];

/** One database with River's tables twice, our client for each of them, and Go's for both. */
export class TwoSides {
  readonly database: TestDatabase;
  readonly go: GoClient;
  readonly rows: StoredRows;
  readonly #apps: ReadonlyMap<Schema, RiverApp>;

  private constructor(parts: Pick<TwoSides, 'database' | 'go' | 'rows'>, apps: RiverApp[]) {
    ({ database: this.database, go: this.go, rows: this.rows } = parts);
    this.#apps = new Map(apps.map((app, index) => [SCHEMAS[index] ?? 'public', app]));
  }

  /** @param now where our clock stands still; without it, time runs */
  static async open({ now }: { readonly now?: Date } = {}): Promise<TwoSides> {
    const database = await createTestDatabase();
    await queryAll(database, `create schema ${SCHEMAS[1]}`);
    await installRiver({ ...database, schema: SCHEMAS[1] });
    const clock = now && (() => now);
    const apps: RiverApp[] = [];
    for (const schema of SCHEMAS) apps.push(await openRiver(database, { schema, clock }));
    const parts = {
      database,
      go: await GoClient.start(database),
      rows: await StoredRows.open(database),
    };
    return new TwoSides(parts, apps);
  }

  app(schema: Schema): RiverApp {
    const app = this.#apps.get(schema);
    if (app === undefined) throw new Error(`no schema ${schema}`);
    return app;
  }

  river(schema: Schema): RiverClient {
    return this.app(schema).river;
  }

  async close(): Promise<void> {
    await this.go.close();
    await this.rows.close();
    for (const app of this.#apps.values()) await app.close();
  }
}

/** Building Go's program is part of the first opening. */
const OPEN_WITHIN_MS = 300_000;

interface Use {
  /** See {@link TwoSides.open}. */
  readonly now?: Date;
  /** Whether each test begins with empty tables. */
  readonly clears?: boolean;
}

/** Opens two sides before the tests of a `describe`, and closes them after. */
export function useTwoSides(
  assign: (sides: TwoSides) => void,
  { clears = false, ...options }: Use = {},
): void {
  let sides: TwoSides | undefined;
  beforeAll(async () => {
    sides = await TwoSides.open(options);
    assign(sides);
  }, OPEN_WITHIN_MS);
  afterAll(() => sides?.close());
  if (clears) beforeEach(() => sides?.rows.clear(...SCHEMAS));
}
