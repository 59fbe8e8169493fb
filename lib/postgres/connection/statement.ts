import { sha256 } from '../../insert/unique/unique-key.js';

/** One SQL text of ours. */
export interface Statement {
  /** What it is for, in error messages: `insert`. */
  readonly operation: string;
  readonly text: string;
  /**
   * Name of the prepared statement. Carries a hash of the text, since clients may share a pool.
   * undefined: never prepared.
   */
  readonly name: string | undefined;
  /** Whether it may store, change or delete something, or makes that final. */
  readonly writes: boolean;
}

export function statement(operation: string, text: string): Statement {
  const hash = sha256(text).toString('hex').slice(0, 16);
  return Object.freeze({ operation, text, name: `river_${hash}`, writes: writes(text) });
}

/**
 * A text that is put together for each call of many filters: there would be too many to prepare, and
 * the server plans each call by its values.
 */
export function unpreparedStatement(operation: string, text: string): Statement {
  return { operation, text, name: undefined, writes: writes(text) };
}

/** A word too many, as in FOR UPDATE, only makes an outcome less certain. */
function writes(text: string): boolean {
  return /\b(INSERT|UPDATE|DELETE|COMMIT)\b/i.test(text);
}
