import { InsertAbortedError } from '../errors/insert-errors.js';
import type { InsertParams } from './insert-params.js';

const NONE: readonly AbortSignal[] = [];

/**
 * The signals of the jobs of one call, each once.
 *
 * @throws InsertAbortedError when one is aborted already
 */
export function openSignals(jobs: readonly InsertParams[]): readonly AbortSignal[] {
  let signals: Set<AbortSignal> | undefined;
  for (const { signal } of jobs) {
    if (signal === undefined) continue;
    if (signal.aborted) throw new InsertAbortedError(signal.reason);
    (signals ??= new Set()).add(signal);
  }
  return signals === undefined ? NONE : [...signals];
}
