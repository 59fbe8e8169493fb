import type { InsertParams } from '../../insert/insert-params.js';
import { timestamp } from '../rows/timestamp.js';

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

/** What a delay in milliseconds begins with, in the place of a time. */
const DELAYED = '+';

/**
 * SQL for `scheduled_at`. A job that may be worked at once gets the time of `created_at`, the start of
 * the transaction, as the columns' defaults are and as River's own statement has it: by any clock of the
 * database it is past when a worker is notified. A delay counts from when the statement arrived, which
 * is when the caller asked for it, also late in a long transaction, and which is never before
 * `created_at`.
 */
function due(value: string): string {
  return `CASE WHEN ${value} IS NULL THEN pg_catalog.now()
    WHEN pg_catalog.left(${value}, 1) OPERATOR(pg_catalog.=) '${DELAYED}' THEN pg_catalog.statement_timestamp()
      OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => ${value}::pg_catalog.float8 OPERATOR(pg_catalog./) 1000)
    ELSE ${value}::pg_catalog.timestamptz END`;
}

export const PLAIN_COLUMNS: readonly InsertColumn[] = [
  {
    name: 'created_at',
    type: 'pg_catalog.timestamptz',
    read: ({ createdAt }) => createdAt?.getTime() ?? null,
    encode: encodeTime,
    convert: (value) => `coalesce(${value}, pg_catalog.now())`,
  },
  { name: 'kind', type: 'pg_catalog.text', read: ({ kind }) => kind },
  { name: 'max_attempts', type: 'smallint', read: ({ maxAttempts }) => maxAttempts },
  { name: 'metadata', type: 'pg_catalog.jsonb', read: ({ metadata }) => metadata },
  { name: 'priority', type: 'smallint', read: ({ priority }) => priority },
  { name: 'queue', type: 'pg_catalog.text', read: ({ queue }) => queue },
  {
    name: 'scheduled_at',
    type: 'pg_catalog.text',
    read: ({ schedule }) => {
      if (schedule === undefined) return null;
      return 'at' in schedule ? schedule.at.getTime() : DELAYED + schedule.delayMs.toFixed(3);
    },
    encode: (value: string | number) => (typeof value === 'number' ? encodeTime(value) : value),
    convert: due,
  },
  {
    name: 'state',
    type: 'pg_catalog.text',
    read: ({ state }) => state,
    convert: (value, prefix) => `${value}::${prefix}river_job_state`,
  },
  {
    name: 'tags',
    type: 'pg_catalog.text',
    // A tag holds no comma: its pattern is letters, digits, '_' and '-'.
    read: ({ tags }) => tags.join(','),
    convert: (value) => `pg_catalog.string_to_array(${value}, ',')`,
  },
];

/** Both null for a job that has no unique key. */
export const UNIQUE_COLUMNS: readonly InsertColumn[] = [
  ...PLAIN_COLUMNS,
  {
    name: 'unique_key',
    type: 'pg_catalog.text',
    read: ({ unique }) => (unique?.path === 'index' ? unique.hash.toString('hex') : null),
    convert: (value) => `pg_catalog.decode(${value}, 'hex')`,
  },
  {
    name: 'unique_states',
    type: 'bit(8)',
    read: ({ unique }) => (unique?.path === 'index' ? unique.stateBits : null),
  },
];
