import type { DataSource } from 'typeorm';
import { CommitOutcomeUnknownError } from '../../errors/transaction-errors.js';
import { JobLostError } from '../../errors/worker-errors.js';
import { ClientConnections } from '../../transaction/client-connections.js';
import type { ActiveWork } from '../../transaction/engine/active-work.js';
import type { RiverTransaction } from '../../transaction/river-transaction.js';
import type { RunInTransaction } from '../attempt/attempt.js';
import type { SetState, StoredOutcome } from '../outcome/set-state.js';
import type { WorkerCore } from '../worker-core.js';
import { StoredOutcomes } from './stored-outcomes.js';

/** The application's side of transactional attempts: their effects go through its own data source. */
export interface ApplicationTransactions {
  readonly dataSource: DataSource;
  readonly preparedStatements: boolean | undefined;
  readonly activeWork: ActiveWork;
  readonly transaction: RiverTransaction;
}

/**
 * Runs attempts in transactions of the application. The outcome is the last statement of each, guarded by the
 * attempt: where the job was rescued, changed or deleted meanwhile, the effects are rolled back.
 */
export function inTransactionOf(
  { dataSource, preparedStatements, activeWork, transaction }: ApplicationTransactions,
  { schema, clientId, connection: own }: WorkerCore,
): RunInTransaction {
  const connections = new ClientConnections({ dataSource, preparedStatements }, { activeWork });
  const outcomes = new StoredOutcomes(schema, clientId);
  const send = (setState: SetState): Promise<StoredOutcome> =>
    connections.begin({
      what: 'The outcome of a job',
      prepare: () => setState,
      run: (prepared, { connection }) => outcomes.one(connection, prepared),
    });
  return async (work) => {
    let sent: SetState | undefined;
    try {
      await transaction.run(() =>
        work(async (setState) => {
          sent = setState;
          const stored = await send(setState);
          if (!stored.stored) throw new JobLostError(setState.id);
          return stored;
        }),
      );
    } catch (error) {
      if (sent === undefined || !(error instanceof CommitOutcomeUnknownError)) throw error;
      // The row says whether it is committed.
      const states = await outcomes.alreadyStored(own, [sent]);
      if (!states.has(sent.id)) throw error;
    }
  };
}
