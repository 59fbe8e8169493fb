import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';
import { CLAIMED_COLUMNS } from './claimed-row.js';

/** A job remembers this many of the clients that have claimed it. */
const MAX_CLIENTS = 100;

/**
 * Claims available jobs and returns them: $1 the queue, $2 how many at most, $3 the id of the client, $4 the
 * kinds that are wanted (null: all) and $5 those that are not (null: none).
 */
export function claimStatement({ prefix }: SchemaName): Statement {
  const table = `${prefix}river_job AS job`;
  return statement(
    'claim',
    `WITH picked AS MATERIALIZED (
  SELECT job.id FROM ${table}
  WHERE job.state OPERATOR(pg_catalog.=) 'available' AND job.queue OPERATOR(pg_catalog.=) $1::pg_catalog.text
    AND job.scheduled_at OPERATOR(pg_catalog.<=) pg_catalog.now()
    AND ($4::pg_catalog.text[] IS NULL OR job.kind OPERATOR(pg_catalog.=) ANY ($4::pg_catalog.text[]))
    AND ($5::pg_catalog.text[] IS NULL OR job.kind OPERATOR(pg_catalog.<>) ALL ($5::pg_catalog.text[]))
  ORDER BY job.priority, job.scheduled_at, job.id
  LIMIT $2::int
  FOR UPDATE SKIP LOCKED
)
UPDATE ${table} SET
  state = 'running',
  attempt = job.attempt OPERATOR(pg_catalog.+) 1::smallint,
  attempted_at = pg_catalog.now(),
  attempted_by = pg_catalog.array_append(
    CASE WHEN pg_catalog.array_length(job.attempted_by, 1) OPERATOR(pg_catalog.>=) ${MAX_CLIENTS}
      THEN job.attempted_by[pg_catalog.array_length(job.attempted_by, 1) OPERATOR(pg_catalog.-) ${MAX_CLIENTS - 2}:]
      ELSE job.attempted_by END,
    $3::pg_catalog.text)
FROM picked
WHERE job.id OPERATOR(pg_catalog.=) picked.id
RETURNING ${CLAIMED_COLUMNS}`,
  );
}
