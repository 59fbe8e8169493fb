import { COPY_COLUMNS } from './copy-format.js';
import { hasTriggers } from '../insert/insert-triggers.js';
import { notifyPayload } from '../insert/notify-statement.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** What a bulk insert sends. */
export interface CopyStatements {
  /** COPY into the table of jobs: one job in the way of a unique one fails all of it. */
  readonly copy: Statement;
  /** Makes the temporary table that {@link copyStaged} fills: jobs get their ids there, in order. */
  readonly stage: Statement;
  readonly copyStaged: Statement;
  /**
   * Moves what conflicts with nothing. Returns, in the order of first appearance, `queue`,
   * `workable` and the number of `jobs` stored.
   */
  readonly insertStaged: Statement;
  /** Returns the `place` of the first job, from 0, that a trigger dropped, if there is one, and whether it has a key. */
  readonly dropped: Statement;
  readonly unstage: Statement;
  /** Fails, and so aborts the transaction. */
  readonly abort: Statement;
  /** Wakes the queues in $1, and tells the transaction's id as `xid`. */
  readonly wake: Statement;
}

const STAGED = 'pg_temp.river_staged_job';

export function copyStatements({ prefix, insertChannel }: SchemaName): CopyStatements {
  return {
    copy: statement(
      'insert',
      `COPY ${prefix}river_job (${COPY_COLUMNS}) FROM STDIN (FORMAT binary)`,
    ),
    stage: statement(
      'insert',
      `CREATE TEMPORARY TABLE ${STAGED} (LIKE ${prefix}river_job INCLUDING DEFAULTS) ON COMMIT DROP`,
    ),
    copyStaged: statement('insert', `COPY ${STAGED} (${COPY_COLUMNS}) FROM STDIN (FORMAT binary)`),
    // In the order of the keys, so that two such inserts cannot wait for each other in a circle.
    insertStaged: statement(
      'insert',
      `WITH inserted AS (
  INSERT INTO ${prefix}river_job (id, ${COPY_COLUMNS})
  SELECT id, ${COPY_COLUMNS} FROM ${STAGED} ORDER BY unique_key, id
  ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL
    AND ${prefix}river_job_state_in_bitmask(unique_states, state) DO NOTHING
  RETURNING id, queue, state OPERATOR(pg_catalog.=) 'available' AS workable
)
SELECT queue, workable::pg_catalog.text, pg_catalog.count(*)::pg_catalog.text AS jobs FROM inserted
GROUP BY queue, workable ORDER BY pg_catalog.min(id)`,
    ),
    // Its snapshot sees the winners of races, too: what is neither stored nor preceded was dropped.
    dropped: statement(
      'insert',
      `SELECT place::pg_catalog.text, unique_key IS NOT NULL AS has_key FROM (
  SELECT id, unique_key, pg_catalog.row_number() OVER (ORDER BY id) OPERATOR(pg_catalog.-) 1 AS place FROM ${STAGED}
) AS staged
WHERE ${hasTriggers(prefix)} AND NOT EXISTS (
  SELECT FROM ${prefix}river_job AS job WHERE job.id OPERATOR(pg_catalog.=) staged.id
) AND NOT EXISTS (
  SELECT FROM ${prefix}river_job AS job WHERE job.unique_key OPERATOR(pg_catalog.=) staged.unique_key
    AND job.unique_key IS NOT NULL AND job.unique_states IS NOT NULL
    AND ${prefix}river_job_state_in_bitmask(job.unique_states, job.state)
)
ORDER BY place LIMIT 1`,
    ),
    unstage: statement('insert', `DROP TABLE ${STAGED}`),
    abort: statement('insert', 'SELECT 1 OPERATOR(pg_catalog./) 0 AS given_up'),
    wake: statement(
      'notify',
      `SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text AS xid, (
  SELECT pg_catalog.count(pg_catalog.pg_notify(${insertChannel}, ${notifyPayload('queue')}))
  FROM pg_catalog.unnest($1::pg_catalog.text[]) AS queue
)`,
    ),
  };
}
