import type { InsertParams } from '../insert/insert-params.js';
import { timestamp } from './timestamp.js';

/** A column that an insert fills, beside `args`. */
export interface InsertColumn {
  readonly name: string;
  /** The type of its parameter. */
  readonly type: string;
  /** A job's value: a primitive, so that it can be told whether all jobs of a call have the same. */
  readonly read: (job: InsertParams) => string | number | null;
  /** As it is sent; what was read, where absent. */
  readonly encode?: (value: never) => string;
  /** SQL that makes the column's value of the parameter's. */
  readonly convert?: (value: string, prefix: string) => string;
}

/** The last one encoded: a job's two times, and those of all jobs of a call, are mostly the same. */
let encoded = { time: Number.NaN, text: '' };
function encodeTime(time: number): string {
  if (time !== encoded.time) encoded = { time, text: timestamp(new Date(time)) };
  return encoded.text;
}

export const PLAIN_COLUMNS: readonly InsertColumn[] = [
  {
    name: 'created_at',
    type: 'timestamptz',
    read: ({ createdAt }) => createdAt.getTime(),
    encode: encodeTime,
  },
  { name: 'kind', type: 'text', read: ({ kind }) => kind },
  { name: 'max_attempts', type: 'smallint', read: ({ maxAttempts }) => maxAttempts },
  { name: 'metadata', type: 'jsonb', read: ({ metadata }) => metadata },
  { name: 'priority', type: 'smallint', read: ({ priority }) => priority },
  { name: 'queue', type: 'text', read: ({ queue }) => queue },
  {
    name: 'scheduled_at',
    type: 'timestamptz',
    read: ({ scheduledAt }) => scheduledAt.getTime(),
    encode: encodeTime,
  },
  {
    name: 'state',
    type: 'text',
    read: ({ state }) => state,
    convert: (value, prefix) => `${value}::${prefix}river_job_state`,
  },
  {
    name: 'tags',
    type: 'text',
    // A tag holds no comma: its pattern is letters, digits, '_' and '-'.
    read: ({ tags }) => tags.join(','),
    convert: (value) => `string_to_array(${value}, ',')`,
  },
];

/** Both null for a job that has no unique key. */
export const UNIQUE_COLUMNS: readonly InsertColumn[] = [
  ...PLAIN_COLUMNS,
  {
    name: 'unique_key',
    type: 'text',
    read: ({ unique }) => (unique?.path === 'index' ? unique.hash.toString('hex') : null),
    convert: (value) => `decode(${value}, 'hex')`,
  },
  {
    name: 'unique_states',
    type: 'bit(8)',
    read: ({ unique }) => (unique?.path === 'index' ? unique.stateBits : null),
  },
];
