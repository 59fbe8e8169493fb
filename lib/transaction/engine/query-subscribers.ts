import type { QueryRunner } from 'typeorm';
import { TransactionEndedError } from '../../errors/transaction-errors.js';
import { isGuard } from './foreign-guard.js';
import { StatementQueue } from '../statements/statement-queue.js';
import { StatementTurn } from '../statements/statement-turn.js';

type Broadcast = (result: { readonly promises: Promise<unknown>[] }, ...event: unknown[]) => void;

const BROADCASTS = [
  ['broadcastBeforeQueryEvent', 'beforeQuery'],
  ['broadcastAfterQueryEvent', 'afterQuery'],
] as const;

/** What is needed of a transaction of ours. */
interface SubscribedTransaction {
  readonly queryRunner: QueryRunner;
  readonly client: object;
  readonly isOver?: boolean;
}

/**
 * Lets `beforeQuery` and `afterQuery` subscribers await statements on the connection whose statement
 * they are called for. That statement waits for them, so theirs must not queue behind it.
 */
export function admitQuerySubscribers(transaction: SubscribedTransaction): void {
  const { broadcaster, connection: dataSource } = transaction.queryRunner;
  const { client } = transaction;
  const broadcasts = broadcaster as unknown as Record<string, Broadcast>;
  for (const [name, hook] of BROADCASTS) {
    const broadcast = broadcasts[name] as Broadcast;
    broadcasts[name] = (result, ...event) => {
      if (!dataSource.subscribers.some((own) => own[hook] !== undefined && !isGuard(own)))
        return broadcast.call(broadcaster, result, ...event);
      const turn = new StatementTurn(client, () => new StatementQueue(client));
      const isEnding = transaction.isOver;
      const { promises } = result;
      const first = promises.length;
      try {
        turn.enter(() => broadcast.call(broadcaster, result, ...event));
      } finally {
        const ended = endOf(turn, promises.splice(first)).then(() => {
          // The statement must not be sent behind the ROLLBACK.
          if (transaction.isOver && !isEnding) throw new TransactionEndedError('A statement');
        });
        // Nobody waits for it where a subscriber threw at once.
        ended.catch(() => undefined);
        promises.push(ended);
      }
    };
  }
}

/** Waits for all subscribers, also where one failed, so that none is at work behind the statement. */
async function endOf(turn: StatementTurn, subscribers: Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(subscribers);
  await turn.end();
  await Promise.all(subscribers);
}
