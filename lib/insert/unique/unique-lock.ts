import { InvalidJobError } from '../../errors/invalid-errors.js';
import type { JobState } from '../../job/row/job-state.js';
import { canonicalJson } from '../json/canonical-json.js';
import type { CheckedUniqueOpts } from '../options/checked-insert-opts.js';
import { sha256 } from './unique-key.js';
import { valueInJsonb, type OnAbsent } from './unique-args.js';

/**
 * A unique job whose states River's index cannot express: equal jobs are kept apart by an advisory
 * lock and a look-up. The row stored has no unique key.
 */
export interface UniqueLock {
  readonly path: 'lock';
  /** What the lock is the hash of: the same for all jobs that may be duplicates of each other. */
  readonly text: string;
  /** SHA-256 of the text. */
  readonly hash: Buffer;
  /**
   * `byPeriod` means the period of the time that the row gets as `created_at`, which only the database
   * knows: an existing job must have been created within it.
   */
  readonly opts: CheckedUniqueOpts;
  /** The states in which an existing job stands in the way. */
  readonly states: readonly JobState[];
}

/** What of a job may make it a duplicate on the lock path. */
export interface LockSubject {
  readonly kind: string;
  readonly encodedArgs: string;
  readonly queue: string;
  readonly onAbsent?: OnAbsent;
}

export function uniqueLock(
  job: LockSubject,
  opts: CheckedUniqueOpts,
  states: readonly JobState[],
): UniqueLock {
  if (Array.isArray(opts.byArgs)) checkIndexes(opts.byArgs as readonly (readonly string[])[]);
  const text = lockText(job, opts);
  return { path: 'lock', text, hash: sha256(text), opts, states };
}

/** In an array, Postgres reads `-1` from the end and `00` as 0; one spelling of a place is enough. */
function checkIndexes(paths: readonly (readonly string[])[]): void {
  const odd = paths.flat().find((key) => /^\s*[+-]?\d+$/.test(key) && !/^(0|[1-9]\d*)$/.test(key));
  if (odd === undefined) return;
  throw new InvalidJobError(
    'uniqueOpts.byArgs: beside this byState a key that is a number must be written as 0, 1, 2 and ' +
      'so on: Postgres reads other spellings as places in an array, too.',
    { code: 'RIVER_INVALID_UNIQUE_OPTS', field: 'uniqueOpts.byArgs' },
  );
}

/** Equal for two jobs exactly when they are equal in the dimensions that are on, but for the period. */
export function lockText(job: LockSubject, opts: CheckedUniqueOpts): string {
  const parts: string[] = [];
  if (!opts.excludeKind) parts.push(`&kind=${JSON.stringify(job.kind)}`);
  if (opts.byArgs !== undefined)
    parts.push(`&args=${comparableArgs(job, opts.byArgs, canonicalJson)}`);
  if (opts.byQueue) parts.push(`&queue=${job.queue}`);
  return parts.join('');
}

/** Equal for the args of two jobs exactly when what is compared of them is. */
export function comparableArgs(
  { encodedArgs, onAbsent }: Pick<LockSubject, 'encodedArgs' | 'onAbsent'>,
  paths: true | readonly (readonly string[])[],
  canonical: (json: string) => string,
): string {
  if (paths === true) return canonical(encodedArgs);
  const values = paths.map((path) => {
    const value = valueInJsonb(encodedArgs, path);
    if (value !== undefined) return [canonical(value)];
    onAbsent?.(path);
    return null;
  });
  return JSON.stringify(values);
}
