import type { JobState } from '../../job/row/job-state.js';
import type { OutsideTransaction } from '../../job/insert-options.js';

/** When a job may be worked: a moment, or milliseconds after the insert's own clock reading. */
export type Schedule = { readonly at: Date } | { readonly delayMs: number };

/** Unique options after their check. Each path is a list of literal keys. */
export interface CheckedUniqueOpts {
  readonly byArgs: true | readonly (readonly string[])[] | undefined;
  /** Seconds. */
  readonly byPeriod: number | undefined;
  readonly byQueue: boolean;
  /** The states as given, without repeats; undefined for River's default. */
  readonly byState: readonly JobState[] | undefined;
  readonly excludeKind: boolean;
}

/**
 * One level of options after its check: copied, frozen, `undefined` where not given, `null` where
 * an outer level is cleared.
 */
export interface CheckedInsertOpts {
  readonly maxAttempts?: number | null | undefined;
  /** JSON text of an object. */
  readonly metadata?: string | null | undefined;
  readonly outsideTransaction?: OutsideTransaction | null | undefined;
  readonly pending?: boolean | null | undefined;
  readonly priority?: number | null | undefined;
  readonly queue?: string | null | undefined;
  readonly schedule?: Schedule | null | undefined;
  readonly signal?: AbortSignal | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly uniqueOpts?: CheckedUniqueOpts | null | undefined;
}

/** A level that gives nothing, as nearly all do. */
export const NOTHING_GIVEN: CheckedInsertOpts = Object.freeze({});

/** The innermost level that gives an option decides it; `null` there is River's default. */
export function mergeInsertOpts(
  levels: readonly (CheckedInsertOpts | undefined)[],
): CheckedInsertOpts {
  if (levels.every((level) => level === undefined || level === NOTHING_GIVEN)) return NOTHING_GIVEN;
  const merged: Record<string, unknown> = {};
  for (const level of levels as readonly (Record<string, unknown> | undefined)[]) {
    if (level === undefined) continue;
    for (const name of Object.keys(level)) {
      if (level[name] !== undefined && merged[name] === undefined) merged[name] = level[name];
    }
  }
  return merged;
}
