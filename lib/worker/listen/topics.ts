import { decodeJson } from '../../job/decode-json.js';
import type { ControlEvent } from '../queue/control-event.js';

/** What River's clients notify each other of. The channel is the topic behind the name of the schema. */
export const TOPICS = ['river_insert', 'river_control', 'river_leadership'] as const;
export type Topic = (typeof TOPICS)[number];

/** What a worker receives of elections. */
export interface LeadershipEvent {
  /** `resigned` or `request_resign`. */
  readonly action: string;
  readonly leaderId: string;
}

/** The queue of an insert notification. What is not one is undefined, here and below. */
export function insertedQueue(payload: string): string | undefined {
  return text(fieldsOf(payload)['queue']);
}

/** What a worker does not know of the actions is left to those who do. */
export function controlEvent(payload: string): ControlEvent | undefined {
  const { action, job_id: id, ...fields } = fieldsOf(payload);
  const queue = text(fields['queue']);
  if (queue === undefined) return undefined;
  if (action === 'pause' || action === 'resume') return { action, queue };
  const isId = typeof id === 'string' || Number.isSafeInteger(id);
  return action === 'cancel' && isId ? { action, queue, jobId: String(id) } : undefined;
}

export function leadershipEvent(payload: string): LeadershipEvent | undefined {
  const { action, leader_id: leaderId } = fieldsOf(payload);
  const given = text(action);
  return given === undefined ? undefined : { action: given, leaderId: text(leaderId) ?? '' };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Anybody may notify on the channels. */
function fieldsOf(payload: string): Readonly<Record<string, unknown>> {
  try {
    return Object(decodeJson(payload)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
