import type { JobState } from '../../job/row/job-state.js';
import type { CheckedUniqueOpts } from '../options/checked-insert-opts.js';
import { markedPaths } from './marked-paths.js';
import { checkAbsent } from './unique-arg-presence.js';
import { uniqueKey, type UniqueKey } from './unique-key.js';
import { uniqueLock, type UniqueLock } from './unique-lock.js';

/** The states that River's index must cover: a new job is in one of them. */
const INDEX_STATES: readonly JobState[] = ['available', 'pending', 'running', 'scheduled'];

/** How a job is kept unique: by River's index, or, for states that it cannot express, by a lock. */
export type Unique = UniqueKey | UniqueLock;

export interface UniqueSubject {
  readonly kind: string;
  readonly encodedArgs: string;
  readonly queue: string;
  readonly scheduledAt: Date;
  /** The args before they were encoded. */
  readonly payload: object;
}

export function makeUnique(subject: UniqueSubject, given: CheckedUniqueOpts): Unique {
  // What `@UniqueArg` marks decides when all args are asked for.
  const marked = given.byArgs === true ? markedPaths(subject.payload) : [];
  const opts = marked.length > 0 ? { ...given, byArgs: marked } : given;
  const onAbsent = (path: readonly string[]): void => checkAbsent(subject.payload, path);
  const job = { ...subject, onAbsent };
  const states = opts.byState;
  // River's default is covered.
  if (states === undefined) return uniqueKey(job, opts);
  return INDEX_STATES.every((state) => states.includes(state))
    ? uniqueKey(job, opts)
    : uniqueLock(job, opts, states);
}
