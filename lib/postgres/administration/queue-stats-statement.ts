import type { QueueStats } from '../../admin/queue-stats.js';
import type { SchemaName } from '../connection/schema-name.js';
import type { TextRow } from '../driver/pg-client.js';
import { statement, type Statement } from '../connection/statement.js';
import { decodeTime, epochMilliseconds } from '../rows/timestamp.js';

const UNFINALIZED = 'available,pending,retryable,running,scheduled';
const FINALIZED = 'cancelled,completed,discarded';

/**
 * Counts the jobs of each queue and state. It needs nothing but the index that workers fetch by
 * (state, queue, priority, scheduled_at, id): the states not asked for are not read, and of the
 * others no row.
 */
export function queueStatsStatement(
  { prefix }: SchemaName,
  { finalized }: { readonly finalized: boolean },
): Statement {
  const states = finalized ? `${UNFINALIZED},${FINALIZED}` : UNFINALIZED;
  return statement(
    'queueStats',
    `WITH counted AS (
  SELECT queue AS name, state, pg_catalog.count(*) AS count, pg_catalog.min(scheduled_at) AS oldest
  FROM ${prefix}river_job WHERE state OPERATOR(pg_catalog.=) ANY ('{${states}}')
  GROUP BY queue, state
)
SELECT coalesce(counted.name, queue.name) AS name, ${epochMilliseconds('queue.paused_at')} AS paused_at,
  pg_catalog.jsonb_object_agg(state, count) FILTER (WHERE state IS NOT NULL)::pg_catalog.text AS counts,
  (1000 OPERATOR(pg_catalog.*) (extract(epoch FROM pg_catalog.clock_timestamp())
    OPERATOR(pg_catalog.-) extract(epoch FROM
      pg_catalog.min(oldest) FILTER (WHERE state OPERATOR(pg_catalog.=) 'available')
    )))::pg_catalog.text AS oldest_age
FROM counted
FULL JOIN ${prefix}river_queue AS queue ON counted.name OPERATOR(pg_catalog.=) queue.name
GROUP BY 1, queue.paused_at
ORDER BY 1`,
  );
}

/** Every state that was asked for, so that what is not there is 0. */
export function decodeQueueStats(
  { name, paused_at: pausedAt, counts, oldest_age: age }: TextRow,
  { finalized }: { readonly finalized: boolean },
): QueueStats {
  return {
    name: name ?? '',
    counts: {
      ...{ available: 0, pending: 0, retryable: 0, running: 0, scheduled: 0 },
      ...(finalized && { cancelled: 0, completed: 0, discarded: 0 }),
      ...(JSON.parse(counts ?? '{}') as object),
    },
    oldestAvailableAgeMs: age == null ? null : Math.max(0, Math.floor(Number(age))),
    pausedAt: decodeTime(pausedAt),
  };
}
