import type { Outcome } from './outcome.js';

/** How an attempt ended: what its method returned, or threw. */
export type AttemptResult =
  | { readonly type: 'returned'; readonly outcome: Outcome | undefined }
  | { readonly type: 'threw'; readonly error: unknown };

/**
 * What aborted the signal of an attempt: its time limit, a cancellation by `jobCancel` of any client, or
 * the stop of the worker.
 */
export type AbortedBy = 'timeout' | 'cancel' | 'stop';
