import type { JobState } from '../../job/row/job-state.js';
import type { CheckedUniqueOpts } from '../options/checked-insert-opts.js';
import { allUniqueArgs, selectedUniqueArgs, type OnAbsent } from './unique-args.js';
import { formatSeconds, periodOf, type Period } from './unique-period.js';
import { hash } from 'node:crypto';

/** The order of River's bit(8) `unique_states`, leftmost first. */
const STATE_BITS: readonly JobState[] = [
  'scheduled',
  'running',
  'retryable',
  'pending',
  'discarded',
  'completed',
  'cancelled',
  'available',
];
/** The states in which River looks for duplicates unless told otherwise. */
const DEFAULT_UNIQUE_STATES: readonly JobState[] = STATE_BITS.filter(
  (state) => state !== 'discarded' && state !== 'cancelled',
);

const DEFAULT_STATE_BITS = bitsOf(DEFAULT_UNIQUE_STATES);

/** A unique job's place in River's unique index. */
export interface UniqueKey {
  readonly path: 'index';
  /** What the key is the hash of. */
  readonly text: string;
  /** SHA-256 of the text: the 32 bytes of `unique_key`. */
  readonly hash: Buffer;
  /** The bits of `unique_states` as text, such as `11110101`. */
  readonly stateBits: string;
  readonly opts: CheckedUniqueOpts;
  /** The period in the key; undefined unless `byPeriod` is on. */
  readonly period: Period | undefined;
}

/** What of a job may enter its unique key. */
export interface UniqueSubject {
  readonly kind: string;
  readonly encodedArgs: string;
  readonly queue: string;
  /** The scheduled time if given, else now by the client's clock, as in Go; decides the period. */
  readonly scheduledAt: Date;
  readonly onAbsent: OnAbsent;
}

/** The unique key as River's Go client computes it, byte by byte. */
export function uniqueKey(job: UniqueSubject, opts: CheckedUniqueOpts): UniqueKey {
  const parts: string[] = [];
  if (!opts.excludeKind) parts.push(`&kind=${job.kind}`);
  if (opts.byArgs === true) parts.push(`&args=${allUniqueArgs(job.encodedArgs)}`);
  else if (opts.byArgs !== undefined) {
    parts.push(`&args=${selectedUniqueArgs(job.encodedArgs, opts.byArgs, job.onAbsent)}`);
  }
  const { byPeriod } = opts;
  const period = byPeriod === undefined ? undefined : periodOf(job.scheduledAt, byPeriod);
  if (period !== undefined) parts.push(`&period=${formatSeconds(period.startNs)}`);
  if (opts.byQueue) parts.push(`&queue=${job.queue}`);
  const text = parts.join('');
  return {
    path: 'index',
    text,
    opts,
    period,
    hash: sha256(text),
    stateBits: opts.byState === undefined ? DEFAULT_STATE_BITS : bitsOf(opts.byState),
  };
}

function bitsOf(states: readonly JobState[]): string {
  return STATE_BITS.map((state) => (states.includes(state) ? '1' : '0')).join('');
}

/** The states that a `unique_states` text stands for. */
export function statesOfBits(bits: string): JobState[] {
  return STATE_BITS.filter((_state, position) => bits[position] === '1');
}

export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
