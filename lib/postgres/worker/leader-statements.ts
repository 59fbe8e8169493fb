import { epochMicroseconds } from '../rows/timestamp.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';

/** Seconds that a lease lasts from each bid and renewal. River's. */
const LEASE_SECONDS = 15;

/** The lease of the one leader of a fleet. $1 is the id of the client, $2 the start of its term. */
export interface LeaderStatements {
  /** Takes the lease if nobody has it; returns `elected_at` in microseconds since 1970. */
  readonly bid: Statement;
  /** Renews it; returns a row if it is still that of the term. */
  readonly renew: Statement;
  /** Gives it back, if it is still that of the term, and notifies others. */
  readonly resign: Statement;
  /** Returns a row if somebody has the lease. */
  readonly look: Statement;
}

export function leaderStatements({ prefix, leadershipChannel }: SchemaName): LeaderStatements {
  const table = `${prefix}river_leader AS leader`;
  const end = `pg_catalog.now() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => ${LEASE_SECONDS})`;
  const isOfTerm = `leader.leader_id OPERATOR(pg_catalog.=) $1::pg_catalog.text
  AND (extract(epoch FROM leader.elected_at) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8
    OPERATOR(pg_catalog.=) $2::pg_catalog.int8`;
  return {
    // River's client deletes an expired lease and inserts its own in a transaction: the row is the same.
    bid: statement(
      'bid',
      `INSERT INTO ${table} (leader_id, elected_at, expires_at)
VALUES ($1::pg_catalog.text, pg_catalog.now(), ${end})
ON CONFLICT (name) DO UPDATE SET leader_id = excluded.leader_id, elected_at = excluded.elected_at,
  expires_at = excluded.expires_at
WHERE leader.expires_at OPERATOR(pg_catalog.<) pg_catalog.now()
RETURNING ${epochMicroseconds('leader.elected_at')} AS elected_at`,
    ),
    renew: statement(
      'renew',
      `UPDATE ${table} SET expires_at = ${end}
WHERE ${isOfTerm} AND leader.expires_at OPERATOR(pg_catalog.>=) pg_catalog.now()
RETURNING leader.name`,
    ),
    resign: statement(
      'resign',
      `WITH resigned AS (DELETE FROM ${table} WHERE ${isOfTerm} RETURNING leader.leader_id)
SELECT pg_catalog.pg_notify(${leadershipChannel},
  pg_catalog.json_build_object('leader_id', resigned.leader_id, 'action', 'resigned')::pg_catalog.text)
FROM resigned`,
    ),
    look: statement(
      'leader',
      `SELECT leader.leader_id FROM ${table}
WHERE leader.expires_at OPERATOR(pg_catalog.>=) pg_catalog.now()`,
    ),
  };
}
