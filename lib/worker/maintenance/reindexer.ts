import { DatabaseError } from '../../errors/database-errors.js';
import type { TextRow } from '../../postgres/driver/pg-client.js';
import { reindexable, reindexStatement } from '../../postgres/worker/clean-statements.js';
import type { WorkerCore } from '../worker-core.js';
import { maintenanceLog, type Service } from './maintainer.js';

const DAY_MS = 86_400_000;
/** SQLSTATE of a role that does not own the index. */
const NOT_OWNER = '42501';

/** Rebuilds the indexes of `river_job` at midnight in UTC: a queue's indexes grow by what is deleted. */
export function reindexer({ connection, schema }: WorkerCore): Service {
  const { find, values } = reindexable(schema);
  let isAllowed = true;
  /** What is left to rebuild tonight. */
  let left: TextRow[] | undefined;
  return {
    what: 'Reindexing',
    untilNext() {
      left = undefined;
      return DAY_MS - (new Date().getTime() % DAY_MS);
    },
    runsAtStart: false,
    isApart: true,
    /** One index, so that the end of a term waits for no more than one. */
    async run() {
      if (!isAllowed) return false;
      left ??= await connection.run(find, values);
      const { name, interrupted } = left.shift() ?? {};
      if (name == null) return false;
      if (interrupted === 't') {
        maintenanceLog.warn(
          `The index ${name} is not rebuilt: an interrupted REINDEX has left ${name}_ccnew or ${name}_ccold ` +
            'behind. Drop that index.',
        );
        return true;
      }
      try {
        await connection.run(reindexStatement(schema, name), []);
      } catch (error) {
        if (error instanceof DatabaseError && error.sqlState === NOT_OWNER) {
          isAllowed = false;
          maintenanceLog.warn(
            "River's indexes are not rebuilt at midnight: the database user does not own river_job. Rebuild them by " +
              'a job of the owner, or grant MAINTAIN (PostgreSQL 17 and later).',
          );
          return false;
        }
        // The others are rebuilt all the same: one that takes too long does so every night.
        maintenanceLog.error(`The index ${name} was not rebuilt: ${String(error)}`);
      }
      return true;
    },
  };
}
