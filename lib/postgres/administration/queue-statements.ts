import { QUEUE_COLUMNS } from '../rows/queue-columns.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** What can be done to queues. $1 is a name, except for `list`. */
export interface QueueStatements {
  readonly get: Statement;
  /** $1 is how many. */
  readonly list: Statement;
  /** $2 is what to tell workers. Answers how many queues were `found`; `*` means all. */
  readonly pause: Statement;
  /** Pauses a queue of this name whether or not there is one: its row is made. $2 as for `pause`. */
  readonly pauseUnannounced: Statement;
  readonly resume: Statement;
  /** $2 is the new metadata, $3 what to tell workers of it; both null to change nothing. */
  readonly update: Statement;
}

export function queueStatements({ prefix, controlChannel }: SchemaName): QueueStatements {
  const table = `${prefix}river_queue AS queue`;
  // A queue that is paused, or runs, already keeps its times.
  const turn = (operation: string, isTurned: string, pausedAt: string): Statement =>
    statement(
      operation,
      `WITH found AS (
  UPDATE ${table}
  SET paused_at = ${pausedAt}, updated_at = CASE WHEN ${isTurned} THEN pg_catalog.now() ELSE updated_at END
  WHERE $1::pg_catalog.text OPERATOR(pg_catalog.=) '*' OR name OPERATOR(pg_catalog.=) $1::pg_catalog.text
  RETURNING name
)
SELECT pg_catalog.count(*)::pg_catalog.text AS found,
  CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 OR $1::pg_catalog.text OPERATOR(pg_catalog.=) '*'
    THEN pg_catalog.pg_notify(${controlChannel}, $2::pg_catalog.text) END AS notified
FROM found`,
    );
  return {
    get: statement(
      'queueGet',
      `SELECT ${QUEUE_COLUMNS} FROM ${table} WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text`,
    ),
    list: statement(
      'queueList',
      `SELECT ${QUEUE_COLUMNS} FROM ${table} ORDER BY name LIMIT $1::int`,
    ),
    pause: turn('queuePause', 'paused_at IS NULL', 'coalesce(paused_at, pg_catalog.now())'),
    pauseUnannounced: statement(
      'queuePause',
      `WITH paused AS (
  INSERT INTO ${table} (name, created_at, metadata, paused_at, updated_at)
  VALUES ($1::pg_catalog.text, pg_catalog.now(), '{}', pg_catalog.now(), pg_catalog.now())
  ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(queue.paused_at, excluded.paused_at),
    updated_at = CASE WHEN queue.paused_at IS NULL THEN excluded.updated_at ELSE queue.updated_at END
  RETURNING name
)
SELECT pg_catalog.pg_notify(${controlChannel}, $2::pg_catalog.text) AS notified FROM paused`,
    ),
    resume: turn('queueResume', 'paused_at IS NOT NULL', 'NULL'),
    update: statement(
      'queueUpdate',
      `WITH queue AS (
  UPDATE ${table}
  SET metadata = coalesce($2::pg_catalog.jsonb, metadata), updated_at = pg_catalog.now()
  WHERE name OPERATOR(pg_catalog.=) $1::pg_catalog.text
  RETURNING *
)
SELECT ${QUEUE_COLUMNS},
  CASE WHEN $3::pg_catalog.text IS NOT NULL
    THEN pg_catalog.pg_notify(${controlChannel}, $3::pg_catalog.text) END AS notified
FROM queue`,
    ),
  };
}
