import { PLAIN_COLUMNS, UNIQUE_COLUMNS, type InsertColumn } from './insert-columns.js';
import { hasTriggers } from './insert-triggers.js';
import { manyJobsRows, oneJobRow } from './insert-values.js';
import { JOB_COLUMNS } from '../rows/job-columns.js';
import { notifyPayload } from './notify-statement.js';
import { storedTimes } from '../rows/stored-job.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** What an insert does beside inserting; each costs, so that a text for each exists. */
export interface InsertVariant {
  /** Answers the transaction's id as `xid`, which somebody may ask about when COMMIT is lost. */
  readonly tracked: boolean;
  /** Notifies workers: of the job's own queue, or of the queues in the last parameter. */
  readonly notifies: boolean;
  /** Fails when it waits for a lock: a plain one that several callers share. */
  readonly shared: boolean;
  /** Returns as `triggers` whether the table has triggers that may change what is inserted. */
  readonly checks: boolean;
}

/**
 * Milliseconds. What triggers wait for counts, and what they lock; not the lock of the table itself,
 * which is taken before.
 */
const SHARED_LOCK_TIMEOUT = 50;

/**
 * The inserts of a schema. `one` and `uniqueOne` take the values of `oneJobValues`, the others those
 * of `manyJobsValues` and, when they notify, the queues. The plain ones, for jobs without a unique
 * key, return `id` and the stored times for each job, in the given order.
 *
 * The unique ones take each key once. They return, in the given order, `inserted` (the new row's id, with its times)
 * or `existing` (the row that stood in the way, as JSON of its columns). A row with neither lost a
 * race that the statement's snapshot could not see. `uniqueOrNone` then fails as {@link LOST_RACE},
 * and nothing of it is stored.
 *
 * `many` and `uniqueOrNone` fail, so that nothing is stored, where a trigger may have dropped or changed
 * some of the rows; outside a transaction it would be too late afterwards. `storedOne` and `stored` are for
 * tables with such triggers, and for jobs with and without keys: instead of `inserted` and the times
 * they return all columns of the row that is stored.
 */
const BUILDERS = {
  one: insertOne,
  many: insertMany,
  uniqueOne: insertUniqueOne,
  unique: (schema: SchemaName, variant: InsertVariant) => insertUnique(schema, variant),
  uniqueOrNone: (schema: SchemaName, variant: InsertVariant) =>
    insertUnique(schema, variant, { fails: true }),
  storedOne: (schema: SchemaName, variant: InsertVariant) =>
    insertUniqueOne(schema, variant, { stored: true }),
  stored: (schema: SchemaName, variant: InsertVariant) =>
    insertUnique(schema, variant, { stored: true }),
};

export type InsertForm = keyof typeof BUILDERS;

/** Makes each statement when it is first used. */
export class InsertStatements {
  readonly #schema: SchemaName;
  readonly #made: Partial<Record<InsertForm, (Statement | undefined)[]>> = {};

  constructor(schema: SchemaName) {
    this.#schema = schema;
  }

  get(form: InsertForm, variant: InsertVariant): Statement {
    const ofForm = (this.#made[form] ??= []);
    const { shared, checks, tracked, notifies } = variant;
    const place = [shared, checks, tracked, notifies].reduce(
      (bits, bit) => 2 * bits + Number(bit),
      0,
    );
    return (ofForm[place] ??= statement('insert', BUILDERS[form](this.#schema, variant)));
  }
}

/** SQLSTATE of what fails on purpose, division by zero: a lost race, or rows that a trigger may have changed. */
export const LOST_RACE = '22012';
function failIf(condition: string): string {
  return `1 OPERATOR(pg_catalog./) (CASE WHEN ${condition} THEN 0 ELSE 1 END) AS held`;
}

function insertOne({ prefix, insertChannel }: SchemaName, variant: InsertVariant): string {
  const { tracked, notifies, checks } = variant;
  const notified = `, ${notify(insertChannel, queueOf(PLAIN_COLUMNS))}::pg_catalog.text AS notified`;
  return `INSERT INTO ${prefix}river_job (args, ${names(PLAIN_COLUMNS)})
VALUES (${oneJobRow(PLAIN_COLUMNS, prefix)})
RETURNING id::pg_catalog.text, ${TIMES}${checks ? triggers(prefix) : ''}${tracked ? XID : ''}${notifies ? notified : ''}`;
}

/** A notification is part of the insert: its subquery stands in RETURNING, and runs once. */
function insertMany({ prefix, insertChannel }: SchemaName, variant: InsertVariant): string {
  const { tracked, notifies, shared } = variant;
  const notified = `, (
  SELECT pg_catalog.count(${notify(insertChannel, 'queue')})
  FROM pg_catalog.unnest(${lastOf(PLAIN_COLUMNS)}) AS woken(queue)
) AS notified`;
  const limit = `WITH limited AS MATERIALIZED (
  SELECT pg_catalog.set_config('lock_timeout', '${SHARED_LOCK_TIMEOUT}', true)
) `;
  return `INSERT INTO ${prefix}river_job (args, ${names(PLAIN_COLUMNS)})
${shared ? limit : ''}SELECT args, ${names(PLAIN_COLUMNS)} FROM ${shared ? 'limited, ' : ''}${manyJobsRows(PLAIN_COLUMNS, prefix)} AS job
ORDER BY ordinal
RETURNING id::pg_catalog.text, ${TIMES}${tracked ? XID + triggers(prefix) : `, ${failIf(hasTriggers(prefix))}`}${notifies ? notified : ''}`;
}

/**
 * Looks first: a duplicate is answered from the statement's snapshot and costs no row version, no
 * lock and no id.
 */
function insertUniqueOne(
  { prefix, insertChannel }: SchemaName,
  { tracked, notifies, checks }: InsertVariant,
  { stored = false } = {},
): string {
  const key = `pg_catalog.decode($${UNIQUE_COLUMNS.findIndex(({ name }) => name === 'unique_key') + 2}, 'hex')`;
  const notified = `, (
  SELECT ${notify(insertChannel, 'queue')}::pg_catalog.text FROM inserted) AS notified`;
  return `WITH existing AS MATERIALIZED (
  SELECT * FROM ${prefix}river_job WHERE unique_key OPERATOR(pg_catalog.=) ${key} AND ${blocks(prefix)}
), inserted AS (
  INSERT INTO ${prefix}river_job (args, ${names(UNIQUE_COLUMNS)})
  SELECT ${oneJobRow(UNIQUE_COLUMNS, prefix)} WHERE NOT EXISTS (SELECT FROM existing)
  ON CONFLICT (unique_key) WHERE ${blocks(prefix)} DO NOTHING
  RETURNING ${stored ? '*' : NEEDED}
)
SELECT ${stored ? JOB_COLUMNS : IDS_AND_TIMES}, (${existing('existing')}) AS existing
  ${checks || stored ? triggers(prefix) : ''}${tracked ? XID_IF_ASSIGNED : ''}${notifies ? notified : ''}
FROM (SELECT) AS wanted LEFT JOIN inserted AS job ON true`;
}

/**
 * The same for several. What is left after the look is inserted in the order of the keys, so that two
 * batches with the same keys cannot wait for each other in a circle, under ids drawn in the order
 * given. The look is LATERAL, so that a plan made for a new, empty table does not scan it once it has
 * grown. (One made after Postgres has analyzed it as empty does, until it is analyzed again.)
 */
function insertUnique(
  { prefix, insertChannel }: SchemaName,
  { tracked, notifies }: InsertVariant,
  { stored = false, fails = false } = {},
): string {
  const isLost = 'job.id IS NULL AND wanted.existing_id IS NULL';
  const check = fails ? `, ${failIf(`${isLost} OR ${hasTriggers(prefix)}`)}` : triggers(prefix);
  const notified = `, (
  SELECT pg_catalog.count(${notify(insertChannel, 'queue')}) FROM woken) AS notified`;
  const rerouted = ' OR NOT queue OPERATOR(pg_catalog.=) ANY (SELECT queue FROM wanted)';
  const woken = `, woken AS (
  SELECT queue, pg_catalog.min(id) AS first FROM inserted
  WHERE state OPERATOR(pg_catalog.=) 'available'
    AND (queue OPERATOR(pg_catalog.=) ANY (${lastOf(UNIQUE_COLUMNS)})${stored ? rerouted : ''})
  GROUP BY queue ORDER BY first
)`;
  return `WITH wanted AS MATERIALIZED (
  SELECT given.*, existing.id AS existing_id FROM ${manyJobsRows(UNIQUE_COLUMNS, prefix)} AS given
  LEFT JOIN LATERAL (
    SELECT id FROM ${prefix}river_job WHERE unique_key OPERATOR(pg_catalog.=) given.unique_key AND ${blocks(prefix)} LIMIT 1
  ) AS existing ON true
), missing AS MATERIALIZED (
  SELECT pg_catalog.nextval('${prefix}river_job_id_seq'::pg_catalog.regclass) AS id, drawn.*
  FROM (SELECT * FROM wanted WHERE existing_id IS NULL ORDER BY ordinal) AS drawn
), inserted AS (
  INSERT INTO ${prefix}river_job (id, args, ${names(UNIQUE_COLUMNS)})
  SELECT id, args, ${names(UNIQUE_COLUMNS)} FROM missing
  ORDER BY unique_key, ordinal
  ON CONFLICT (unique_key) WHERE ${blocks(prefix)} DO NOTHING
  RETURNING ${stored ? '*' : NEEDED}
)${notifies ? woken : ''}
SELECT ${stored ? `${JOB_COLUMNS}, (SELECT pg_catalog.count(*) FROM inserted)::pg_catalog.text AS stored` : IDS_AND_TIMES},
  (${existing(`${prefix}river_job`, 'WHERE job.id OPERATOR(pg_catalog.=) wanted.existing_id')}) AS existing${check}
  ${tracked ? XID_IF_ASSIGNED : ''}${notifies ? notified : ''}
FROM wanted
LEFT JOIN missing ON missing.ordinal OPERATOR(pg_catalog.=) wanted.ordinal
LEFT JOIN inserted AS job ON job.id OPERATOR(pg_catalog.=) missing.id
ORDER BY wanted.ordinal`;
}

const TIMES = storedTimes('river_job');
const NEEDED = 'id, queue, state, created_at, scheduled_at';
const IDS_AND_TIMES = `job.id::pg_catalog.text AS inserted, ${storedTimes('job')}`;
const XID = ', pg_catalog.pg_current_xact_id()::pg_catalog.text AS xid';
const XID_IF_ASSIGNED = ', pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text AS xid';

function triggers(prefix: string): string {
  return `, ${hasTriggers(prefix)} AS triggers`;
}

function names(columns: readonly InsertColumn[]): string {
  return columns.map(({ name }) => name).join(', ');
}

/** The parameter of a single job's queue. */
function queueOf(columns: readonly InsertColumn[]): string {
  return `$${columns.findIndex(({ name }) => name === 'queue') + 2}::pg_catalog.text`;
}

/** The parameter behind those of several jobs. */
function lastOf(columns: readonly InsertColumn[]): string {
  return `$${2 * columns.length + 2}::pg_catalog.text[]`;
}

function notify(channel: string, queue: string): string {
  return `pg_catalog.pg_notify(${channel}, ${notifyPayload(queue)})`;
}

/** Whether a row conflicts with its equals: River's unique index is partial by this. */
function blocks(prefix: string): string {
  return `unique_key IS NOT NULL AND unique_states IS NOT NULL
    AND ${prefix}river_job_state_in_bitmask(unique_states, state)`;
}

/** One column instead of eighteen, since nearly every answer has none. */
function existing(table: string, where = ''): string {
  return `
  SELECT pg_catalog.row_to_json(found) FROM (SELECT ${JOB_COLUMNS} FROM ${table} AS job ${where}) AS found`;
}
