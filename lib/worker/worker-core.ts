import type { PoolConnection } from '../postgres/connection/pool-connection.js';
import type { SchemaName } from '../postgres/connection/schema-name.js';
import type { OutageLog } from './outage-log.js';
import type { ResolvedWorkerOptions } from './worker-options.js';

/** What all parts of one worker share. */
export interface WorkerCore {
  /** What stands in `attempted_by` and `leader_id`. */
  readonly clientId: string;
  /** The worker's own connections: busy jobs cannot take them. */
  readonly connection: PoolConnection;
  readonly schema: SchemaName;
  readonly options: ResolvedWorkerOptions;
  readonly outages: OutageLog;
}
