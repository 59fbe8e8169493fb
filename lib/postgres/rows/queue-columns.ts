import type { Queue } from '../../admin/queue.js';
import { decodeJson } from '../../job/decode-json.js';
import type { TextRow } from '../driver/pg-client.js';
import { decodeTime, epochMilliseconds } from './timestamp.js';

/** The columns of `river_queue AS queue`, as those of jobs. */
export const QUEUE_COLUMNS = [
  'queue.name',
  `${epochMilliseconds('queue.created_at')} AS created_at`,
  'queue.metadata::pg_catalog.text AS metadata',
  `${epochMilliseconds('queue.paused_at')} AS paused_at`,
  `${epochMilliseconds('queue.updated_at')} AS updated_at`,
].join(', ');

/** The queue of a row that was selected as {@link QUEUE_COLUMNS}. */
export function decodeQueue(row: TextRow): Queue {
  return {
    name: row['name'] ?? '',
    createdAt: decodeTime(row['created_at']) ?? new Date(Number.NaN),
    metadata: decodeJson(row['metadata'] ?? '{}') as Record<string, unknown>,
    pausedAt: decodeTime(row['paused_at']),
    updatedAt: decodeTime(row['updated_at']) ?? new Date(Number.NaN),
  };
}
