import { invalidParams } from '../errors/invalid-errors.js';
import { checkJsonObject, checkParams, DEFAULT_FIRST, first } from './check-params.js';

/** A row of `river_queue`: a queue that a worker has announced, or that was paused before that. */
export interface Queue {
  readonly name: string;
  /** When a worker first announced it, or `queuePause` did; River forgets queues that nobody works for a day. */
  readonly createdAt: Date;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Since when it is paused; null when it is not. */
  readonly pausedAt: Date | null;
  /** When a worker last announced it, or it was last paused, resumed or updated. */
  readonly updatedAt: Date;
}

/** How many queues `queueList` answers. */
export interface QueueListParams {
  /** At most so many, 1 to 10000, by their names. Default 100. */
  readonly first?: number | undefined;
}

/** What `queueList` answers. */
export interface QueueListResult {
  readonly queues: readonly Queue[];
}

/** What `queueUpdate` changes. */
export interface QueueUpdateParams {
  /** The new metadata, in the place of the old. Left out, they stay. */
  readonly metadata?: object | undefined;
}

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkQueueListParams(params: unknown): { readonly first: number } {
  return { first: DEFAULT_FIRST, ...checkParams(params, { first }) };
}

/** Bytes that a notification of Postgres may have at most. */
const MAX_PAYLOAD_BYTES = 7_999;

/** A change of a queue: its new metadata as JSON text, and what workers are told of it. */
export interface CheckedQueueUpdate {
  readonly metadata: string | null;
  readonly payload: string | null;
}

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkQueueUpdateParams(name: string, params: unknown): CheckedQueueUpdate {
  const { metadata: text } = checkParams<{ metadata?: string }>(params, {
    metadata: checkJsonObject,
  });
  if (text === undefined) return { metadata: null, payload: null };
  const payload = `{"action":"metadata_changed","metadata":${text},"queue":${JSON.stringify(name)}}`;
  if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) return { metadata: text, payload };
  throw invalidParams(
    'metadata',
    'is too long to tell workers of it: Postgres takes notifications of at most ' +
      `${MAX_PAYLOAD_BYTES} bytes`,
  );
}
