import { JOB_COLUMNS } from './job-columns.js';
import { notifyPayload } from './notify-statement.js';
import type { SchemaName } from './schema-name.js';
import { statement, type Statement } from './statement.js';

/** The two inserts of a schema. Both take the values of `insertValues`, one array per column. */
export interface InsertStatements {
  /** For jobs without a unique key. Answers `id` for each job; ids ascend in the given order. */
  readonly plain: Statement;
  /**
   * For jobs of which some have a unique key, each key once. Answers, in the given order, `inserted`
   * (the new row's id) or the columns of the job that stood in the way. A row with neither lost a
   * race that this statement's snapshot could not see.
   */
  readonly unique: Statement;
  /** The same, but a lost race fails it as {@link LOST_RACE}, and then nothing of it is stored. */
  readonly uniqueOrNone: Statement;
}

export function insertStatements(schema: SchemaName): InsertStatements {
  return {
    plain: statement('insert', plainInsert(schema)),
    unique: statement('insert', uniqueInsert(schema, '')),
    uniqueOrNone: statement('insert', uniqueInsert(schema, FAIL_IF_LOST)),
  };
}

/** SQLSTATE of {@link InsertStatements.uniqueOrNone} when it lost a race: division by zero. */
export const LOST_RACE = '22012';
const FAIL_IF_LOST = `1 / (CASE WHEN inserted.id IS NULL AND wanted.existing_id IS NULL THEN 0 ELSE 1 END) AS won, `;

/** The jobs given, as rows; `ordinal` is their place in the call, from 1. */
const GIVEN = `unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::smallint[], $6::text[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[]) WITH ORDINALITY
    AS given(args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags,
      unique_key, unique_states, ordinal)`;

/** A notification is part of the insert: its subquery stands in RETURNING, and runs once. */
function plainInsert({ prefix, insertChannel }: SchemaName): string {
  return `INSERT INTO ${prefix}river_job
  (args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags)
SELECT args::jsonb, $12::timestamptz, kind, max_attempts, metadata::jsonb, priority, queue,
  scheduled_at, state::${prefix}river_job_state, string_to_array(tags, ',')
FROM ${GIVEN}
ORDER BY ordinal
RETURNING id::text, pg_current_xact_id()::text AS xid, (
  SELECT count(pg_notify(${insertChannel}, ${notifyPayload('queue')}))
  FROM unnest($13::text[]) AS woken(queue)
)`;
}

/**
 * Looks first: a duplicate is answered from the statement's snapshot and costs no row version, no
 * lock and no id. What is left is inserted in the order of the keys, so that two batches with the
 * same keys cannot wait for each other in a circle, under ids drawn in the order given.
 */
function uniqueInsert({ prefix, insertChannel }: SchemaName, check: string): string {
  const blocks = (alias: string): string =>
    `${alias}unique_key IS NOT NULL AND ${alias}unique_states IS NOT NULL ` +
    `AND ${prefix}river_job_state_in_bitmask(${alias}unique_states, ${alias}state)`;
  return `WITH wanted AS MATERIALIZED (
  SELECT given.*, decode(given.unique_key, 'hex') AS key, existing.id AS existing_id
  FROM ${GIVEN}
  LEFT JOIN ${prefix}river_job AS existing
    ON existing.unique_key = decode(given.unique_key, 'hex') AND ${blocks('existing.')}
), missing AS MATERIALIZED (
  SELECT nextval('${prefix}river_job_id_seq'::regclass) AS id, drawn.*
  FROM (SELECT * FROM wanted WHERE existing_id IS NULL ORDER BY ordinal) AS drawn
), inserted AS (
  INSERT INTO ${prefix}river_job
    (id, args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags,
     unique_key, unique_states)
  SELECT id, args::jsonb, $12::timestamptz, kind, max_attempts, metadata::jsonb, priority, queue,
    scheduled_at, state::${prefix}river_job_state, string_to_array(tags, ','),
    key, unique_states::bit(8)
  FROM missing
  ORDER BY key, ordinal
  ON CONFLICT (unique_key) WHERE ${blocks('')} DO NOTHING
  RETURNING id, queue, state
), woken AS (
  SELECT queue, min(id) AS first FROM inserted
  WHERE state = 'available' AND queue = ANY ($13::text[]) GROUP BY queue ORDER BY first
)
SELECT ${check}inserted.id::text AS inserted, pg_current_xact_id_if_assigned()::text AS xid, ${JOB_COLUMNS}, (
  SELECT count(pg_notify(${insertChannel}, ${notifyPayload('queue')})) FROM woken
) AS notified
FROM wanted
LEFT JOIN missing USING (ordinal)
LEFT JOIN inserted ON inserted.id = missing.id
LEFT JOIN ${prefix}river_job AS job ON job.id = wanted.existing_id
ORDER BY ordinal`;
}
