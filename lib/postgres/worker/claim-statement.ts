import type { Connection } from '../connection/connection.js';
import type { SchemaName } from '../connection/schema-name.js';
import { statement, type Statement } from '../connection/statement.js';
import type { TextRow } from '../driver/pg-client.js';
import { CLAIMED_COLUMNS } from './claimed-row.js';

/** A job remembers this many of the clients that have claimed it. */
const MAX_CLIENTS = 100;

/** Kinds of which a claim takes so many jobs at most. */
export interface ClaimShare {
  /** undefined: all kinds but those of `without`. */
  readonly kinds: readonly string[] | undefined;
  /** undefined: none. */
  readonly without: readonly string[] | undefined;
  readonly most: number;
}

/** A claim of the available jobs of a queue. */
export interface Claim {
  readonly queue: string;
  readonly clientId: string;
  /** How many jobs at most. */
  readonly most: number;
  readonly shares: readonly ClaimShare[];
}

/** Claims jobs in the order of River, and returns their rows. */
export class ClaimStatements {
  readonly #whole: Statement;
  readonly #shared: Statement;

  constructor(schema: SchemaName) {
    this.#whole = wholeClaim(schema);
    this.#shared = sharedClaim(schema);
  }

  /** @throws DatabaseError */
  run(connection: Connection, { queue, clientId, most, shares }: Claim): Promise<TextRow[]> {
    const [first, ...more] = shares;
    if (first !== undefined && more.length === 0) {
      const { kinds = null, without = null } = first;
      const values = [queue, Math.min(most, first.most), clientId, kinds, without];
      return connection.run(this.#whole, values);
    }
    return connection.run(this.#shared, [
      queue,
      most,
      clientId,
      JSON.stringify(shares.map(({ kinds }) => kinds ?? null)),
      shares.find(({ without }) => without !== undefined)?.without ?? null,
      shares.map((share) => share.most),
    ]);
  }
}

/** $1 the queue, $2 how many at most, $3 the id of the client, $4 the kinds (null: all) but $5 (null: none). */
function wholeClaim({ prefix }: SchemaName): Statement {
  return claim(
    prefix,
    `picked AS MATERIALIZED (
  SELECT job.id FROM ${prefix}river_job AS job
  WHERE ${AVAILABLE}
    AND ($4::pg_catalog.text[] IS NULL OR job.kind OPERATOR(pg_catalog.=) ANY ($4::pg_catalog.text[]))
    AND ($5::pg_catalog.text[] IS NULL OR job.kind OPERATOR(pg_catalog.<>) ALL ($5::pg_catalog.text[]))
  ORDER BY job.priority, job.scheduled_at, job.id
  LIMIT $2::int
  FOR UPDATE SKIP LOCKED
)`,
  );
}

/**
 * The same, where the jobs of some kinds are limited: $4 the shares as JSON, each a list of kinds (null: all
 * kinds but $5), and $6 how many of each at most. What is locked beside the picked rows is free again when the
 * statement ends.
 */
function sharedClaim({ prefix }: SchemaName): Statement {
  return claim(
    prefix,
    `picked AS MATERIALIZED (
  SELECT found.id
  FROM ROWS FROM (pg_catalog.jsonb_array_elements($4::pg_catalog.jsonb), pg_catalog.unnest($6::int[]))
    AS share (kinds, most)
  CROSS JOIN LATERAL (
    SELECT job.id, job.priority, job.scheduled_at FROM ${prefix}river_job AS job
    WHERE ${AVAILABLE}
      AND CASE WHEN share.kinds OPERATOR(pg_catalog.=) 'null'
        THEN $5::pg_catalog.text[] IS NULL OR job.kind OPERATOR(pg_catalog.<>) ALL ($5::pg_catalog.text[])
        ELSE share.kinds OPERATOR(pg_catalog.?) job.kind END
    ORDER BY job.priority, job.scheduled_at, job.id
    LIMIT share.most
    FOR UPDATE SKIP LOCKED
  ) AS found
  ORDER BY found.priority, found.scheduled_at, found.id
  LIMIT $2::int
)`,
  );
}

const AVAILABLE = `job.state OPERATOR(pg_catalog.=) 'available' AND job.queue OPERATOR(pg_catalog.=) $1::pg_catalog.text
    AND job.scheduled_at OPERATOR(pg_catalog.<=) pg_catalog.now()`;

function claim(prefix: string, picked: string): Statement {
  return statement(
    'claim',
    `WITH ${picked}
UPDATE ${prefix}river_job AS job SET
  state = 'running',
  attempted_at = pg_catalog.now(),
  attempted_by = pg_catalog.array_append(
    CASE WHEN pg_catalog.array_length(job.attempted_by, 1) OPERATOR(pg_catalog.>=) ${MAX_CLIENTS}
      THEN job.attempted_by[pg_catalog.array_length(job.attempted_by, 1) OPERATOR(pg_catalog.-) ${MAX_CLIENTS - 2}:]
      ELSE job.attempted_by END,
    $3::pg_catalog.text),
  attempt = job.attempt OPERATOR(pg_catalog.+) 1::smallint
FROM picked
WHERE job.id OPERATOR(pg_catalog.=) picked.id
RETURNING ${CLAIMED_COLUMNS}`,
  );
}
