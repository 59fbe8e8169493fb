import type { JobRow } from '../../job/row/job-row.js';
import { attemptError, errorText, faultTrace, isNativeFault } from './attempt-error.js';
import { encodeMetadata, OUTPUT } from './attempt-metadata.js';
import type { AbortedBy, AttemptResult } from './attempt-result.js';
import type { JobEventType } from './job-event-type.js';
import { nextRetry, type Retry } from './retry-policy.js';
import type { SetState } from './set-state.js';

/** The interval of River's scheduler: what is due sooner is made available at once. */
const SOON_MS = 5_000;

/** What is known of an attempt at its end. */
export interface AttemptEnd {
  /** What aborted its signal, if anything did. */
  readonly abortedBy: AbortedBy | undefined;
  /** The reason of its signal. */
  readonly abortReason: unknown;
  /** See {@link SetState.claimedAt}. */
  readonly claimedAt: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** What it has set in the metadata. */
  readonly metadata: ReadonlyMap<string, unknown>;
  /** The policies of the kind and of the worker. */
  readonly retries: readonly (Retry | undefined)[];
  /** Asked for errors that would be tried again, and for those of the last attempt. */
  readonly onError: ((job: JobRow, error: unknown) => unknown) | undefined;
  /** Receives errors of the functions above. */
  readonly onFailure: (error: unknown) => void;
  /** For tests. */
  readonly random?: (() => number) | undefined;
}

/** What an attempt comes to. */
export interface NextState {
  readonly setState: SetState;
  /** The event, if the row takes the state. */
  readonly event: JobEventType;
  /** What is reported as the error of the attempt. */
  readonly error: unknown;
}

type Change = Pick<SetState, 'state'> & Partial<SetState>;

/**
 * How the row changes at the end of an attempt. The rules, and their order, are those of River's Go client
 * (`reportResults` and `reportError` of its executor).
 */
export function nextState(job: JobRow, result: AttemptResult, end: AttemptEnd): NextState {
  // Nearly all of them: nothing is made that is not needed.
  if (result.type === 'returned' && result.outcome === undefined && end.metadata.size === 0) {
    return { setState: completed(job, end), event: 'completed', error: undefined };
  }
  const merged = metadataOf(result, end.metadata);
  const { text, unstorable } = encode(merged);
  if (unstorable !== undefined)
    return nextState(job, { type: 'threw', error: unstorable }, { ...end, metadata: new Map() });
  const { change, event, error } = decide(job, result, end);
  const metadata =
    event === 'snoozed' ? encodeMetadata(merged.set('snoozes', snoozesOf(job) + 1)) : text;
  const { id, attempt } = job;
  const { claimedAt } = end;
  const setState = { ...UNCHANGED, id, attempt, claimedAt, metadata, ...change };
  return { setState, event, error };
}

/**
 * Why the metadata or the output of an attempt cannot be stored: it has failed by this, whatever it returned.
 * undefined: it can.
 */
export function whatIsUnstorable(
  result: AttemptResult,
  metadata: ReadonlyMap<string, unknown>,
): unknown {
  return encode(metadataOf(result, metadata)).unstorable;
}

function encode(metadata: ReadonlyMap<string, unknown>): {
  readonly text?: string | undefined;
  readonly unstorable?: unknown;
} {
  try {
    return { text: encodeMetadata(metadata) };
  } catch (unstorable) {
    return { unstorable };
  }
}

function metadataOf(
  result: AttemptResult,
  set: ReadonlyMap<string, unknown>,
): Map<string, unknown> {
  const metadata = new Map(set);
  if (result.type === 'returned' && result.outcome?.type === 'complete') {
    const { output } = result.outcome;
    if (output !== undefined) metadata.set(OUTPUT, output);
  }
  return metadata;
}

function completed({ id, attempt }: JobRow, { claimedAt, endedAt }: AttemptEnd): SetState {
  return {
    id,
    attempt,
    claimedAt,
    state: 'completed',
    newAttempt: undefined,
    scheduledAt: undefined,
    finalizedAt: endedAt,
    error: undefined,
    metadata: undefined,
  };
}

const UNCHANGED = {
  newAttempt: undefined,
  scheduledAt: undefined,
  finalizedAt: undefined,
  error: undefined,
  metadata: undefined,
};

interface Decision {
  readonly change: Change;
  readonly event: JobEventType;
  readonly error: unknown;
}

function decide(job: JobRow, result: AttemptResult, end: AttemptEnd): Decision {
  const { endedAt } = end;
  const outcome = result.type === 'returned' ? result.outcome : undefined;
  const isCompleted =
    result.type === 'returned' && (outcome === undefined || outcome.type === 'complete');
  const error = result.type === 'threw' ? result.error : undefined;
  if (end.abortedBy === 'cancel' && !isCompleted && !isNativeFault(error))
    return ended(job, end, { state: 'cancelled', text: CANCELLED_REMOTELY, error });
  if (isCompleted)
    return { change: { state: 'completed', finalizedAt: endedAt }, event: 'completed', error };
  if (outcome?.type === 'snooze') {
    const change = again(endedAt.getTime() + outcome.ms, endedAt, 'scheduled');
    return { change: { ...change, newAttempt: job.attempt - 1 }, event: 'snoozed', error };
  }
  if (outcome?.type === 'cancel') {
    const text = `JobCancelError: ${outcome.reason}`;
    return ended(job, end, { state: 'cancelled', text, error: outcome.reason });
  }
  if (outcome?.type === 'discard')
    return ended(job, end, { state: 'discarded', text: outcome.reason, error: outcome.reason });
  if (end.abortedBy === 'stop' && isAbort(error, end.abortReason)) {
    const newAttempt = Math.max(0, job.attempt - 1);
    const change: Change = { state: 'available', scheduledAt: endedAt, newAttempt };
    return { change, event: 'interrupted', error };
  }
  return failed(job, error, end);
}

const CANCELLED_REMOTELY = 'JobCancelError: job cancelled remotely';

function failed(job: JobRow, error: unknown, end: AttemptEnd): Decision {
  const text = errorText(error);
  const trace = faultTrace(error);
  if (isToBeCancelled(job, error, end))
    return ended(job, end, { state: 'cancelled', text, trace, error });
  if (job.attempt >= job.maxAttempts)
    return ended(job, end, { state: 'discarded', text, trace, error });
  const { retries: policies, endedAt: now, random, onFailure } = end;
  const at = nextRetry(job, error, { policies, now, random, onFailure });
  const change = again(at.getTime(), now, 'retryable');
  return { change: { ...change, error: elementOf(job, end, text, trace) }, event: 'failed', error };
}

/** What is due soon would be found too late by the scheduler. */
function again(at: number, now: Date, later: 'scheduled' | 'retryable'): Change {
  const isSoon = at - now.getTime() <= SOON_MS;
  return { state: isSoon ? 'available' : later, scheduledAt: new Date(at) };
}

function ended(
  job: JobRow,
  end: AttemptEnd,
  {
    state,
    text,
    trace,
    error,
  }: {
    readonly state: 'cancelled' | 'discarded';
    readonly text: string;
    readonly trace?: string;
    readonly error: unknown;
  },
): Decision {
  const element = elementOf(job, end, text, trace);
  return { change: { state, finalizedAt: end.endedAt, error: element }, event: state, error };
}

function elementOf({ attempt }: JobRow, { startedAt }: AttemptEnd, text: string, trace?: string) {
  return attemptError({ at: startedAt, attempt }, text, trace);
}

function isToBeCancelled(job: JobRow, error: unknown, { onError, onFailure }: AttemptEnd): boolean {
  try {
    return onError?.(job, error) === 'cancel';
  } catch (failure) {
    onFailure(failure);
    return false;
  }
}

/** Whether an error is only the abort of the signal. Libraries throw it as it is, or as an `AbortError`. */
function isAbort(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  try {
    const { name, cause } = Object(error) as { readonly name?: unknown; readonly cause?: unknown };
    return name === 'AbortError' || (cause !== undefined && cause === reason);
  } catch {
    // What throws when it is read is not the abort.
    return false;
  }
}

/** What is not a whole number counts as none. */
function snoozesOf({ metadata }: JobRow): number {
  const value = (metadata as { snoozes?: unknown } | null)?.snoozes;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}
