import { unpreparedStatement } from '../connection/statement.js';

/**
 * Claims the id of a client ($1, with its schema) for the session: `claimed` is `f` while another session has
 * it. The server is to notice within half a minute that the process or its machine is gone, which the defaults
 * of TCP would take hours for.
 */
export const CLAIM_CLIENT_ID = unpreparedStatement(
  'client id',
  `SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0)) AS claimed,
  pg_catalog.set_config('tcp_keepalives_idle', '10', false),
  pg_catalog.set_config('tcp_keepalives_interval', '5', false),
  pg_catalog.set_config('tcp_keepalives_count', '4', false)`,
);
