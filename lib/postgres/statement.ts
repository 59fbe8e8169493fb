import { createHash } from 'node:crypto';

/** One SQL text of ours. */
export interface Statement {
  /** What it is for, in error messages: `insert`. */
  readonly operation: string;
  readonly text: string;
  /** Name of the prepared statement. Carries a hash of the text, since clients may share a pool. */
  readonly name: string;
}

export function statement(operation: string, text: string): Statement {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return Object.freeze({ operation, text, name: `river_${hash}` });
}
