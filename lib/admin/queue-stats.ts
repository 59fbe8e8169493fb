import { boolean } from '../errors/checks.js';
import type { JobState } from '../job/row/job-state.js';
import { checkParams } from './check-params.js';

/** The states of jobs that are not done. */
export type UnfinalizedState = Exclude<JobState, 'cancelled' | 'completed' | 'discarded'>;

/** What `queueStats` counts. */
export interface QueueStatsParams {
  /**
   * Whether jobs that are cancelled, completed or discarded are counted, too. They are most of a big
   * table, and counting them reads all of its index. Default false.
   */
  readonly finalized?: boolean | undefined;
}

/** How a queue is doing. */
export interface QueueStats {
  readonly name: string;
  /** How many jobs it has in each state; the three final ones only if asked for. */
  readonly counts: Readonly<Record<UnfinalizedState, number> & Partial<Record<JobState, number>>>;
  /** **Milliseconds** since the longest waiting job could have been worked; null when none waits. */
  readonly oldestAvailableAgeMs: number | null;
  /** Since when it is paused; null when it is not. */
  readonly pausedAt: Date | null;
}

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkQueueStatsParams(params: unknown): { readonly finalized: boolean } {
  return { finalized: false, ...checkParams(params, { finalized: boolean }) };
}
