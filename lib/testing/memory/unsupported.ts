import { RiverError } from '../../errors/river-error.js';

/** What the client of `RiverTestingModule` cannot do. */
export class UnsupportedInMemoryError extends RiverError {
  constructor(what: string) {
    super(
      `${what} cannot run in RiverTestingModule, which has no database: it keeps River's jobs and queues in ` +
        "memory, and nothing else. Give the application's repositories a data source of their own (SQLite, or a " +
        'mock), or run this test on Postgres (holdTransaction of nestjs-river/testing).',
      { code: 'RIVER_NOT_IN_MEMORY' },
    );
  }
}

export function unsupported(what: string): UnsupportedInMemoryError {
  return new UnsupportedInMemoryError(what);
}
