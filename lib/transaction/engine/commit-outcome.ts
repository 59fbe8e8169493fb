import type { DataSource } from 'typeorm';
import type { CommitOutcome } from '../../errors/transaction-errors.js';
import { DatabaseError } from '../../errors/database-errors.js';
import { PoolConnection } from '../../postgres/connection/pool-connection.js';
import { statement } from '../../postgres/connection/statement.js';
import { now, sleep } from '../../real-time.js';

/** Times to ask again while the server says that the transaction is still in progress. */
const MAX_TRIES = 20;
const PAUSE_MS = 100;

// An id that the server has not given out yet, as after a failover to one that lags, is an error
// (22023) of pg_xact_status; one that it has forgotten is null. A crash resets the server's
// statistics, a restart in order keeps them.
const STATUS = statement(
  'transaction status',
  `SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8) AS status,
  extract(epoch FROM pg_catalog.clock_timestamp()
    OPERATOR(pg_catalog.-) pg_catalog.pg_stat_get_bgwriter_stat_reset_time()
  ) OPERATOR(pg_catalog.*) 1000 AS up_ms`,
);

/** A transaction whose COMMIT was not answered. */
export interface LostTransaction {
  /** Undefined when nobody has asked for it. */
  readonly xid: string | undefined;
  /** When it was open, by the clock of `now()`. */
  readonly openAt: number;
}

/** What became of a transaction, asked on a fresh connection. */
export async function askCommitOutcome(
  dataSource: DataSource,
  { xid, openAt }: LostTransaction,
): Promise<CommitOutcome> {
  if (xid === undefined) return 'unknown';
  const connection = new PoolConnection({ dataSource, preparedStatements: false });
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const row = await connection.run(STATUS, [xid]).then(
      ([first]) => first,
      (error: unknown) => {
        if (error instanceof DatabaseError && error.sqlState === '22023') return undefined;
        throw error;
      },
    );
    const status = row?.['status'];
    // A server that crashed gives out again the ids of transactions that had not reached the disk.
    const hasCrashed = Number(row?.['up_ms']) <= now() - openAt;
    if (status === 'committed' && hasCrashed) return 'unknown';
    if (status === 'committed') return 'committed';
    if (status === 'aborted') return 'rolled back';
    if (status !== 'in progress') return 'unknown';
    await sleep(PAUSE_MS);
  }
  return 'unknown';
}
