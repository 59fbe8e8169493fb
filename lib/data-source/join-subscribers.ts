import type { DataSource, QueryRunner } from 'typeorm';
import type { PgClient } from '../postgres/driver/pg-client.js';
import { runInLevel, type AmbientTransaction } from '../transaction/context/ambient-transaction.js';
import { defineOwn } from '../transaction/engine/define-own.js';
import { dataSourceOf } from '../transaction/explicit-transaction.js';
import { settleForeign } from '../transaction/engine/foreign-guard.js';
import { ForeignTransaction } from '../transaction/foreign-transaction.js';
import { scopeOf } from '../transaction/statements/scope-of.js';

/** What TypeORM calls subscribers with: one for each query runner. */
interface Broadcaster {
  readonly queryRunner: QueryRunner;
}
type Method = (this: Broadcaster, ...args: unknown[]) => unknown;

/** Data sources, each with how many modules are on it. */
type Users = Map<DataSource, number>;

const joined = new Map<object, { readonly users: Users; readonly undo: () => void }>();

/** Subscribers are called in no handler, so no client's name is asked for in their levels. */
const NAME = '';

/**
 * Lets what subscribers of the data source insert join the transaction of the query runner that they
 * are called for: of a `save()` that opened one itself, say. The broadcaster's class is changed once
 * for all query runners, so that making one costs nothing.
 *
 * @returns undoes it, once every module on the data source has
 */
export function joinSubscribers(dataSource: DataSource): () => void {
  const { broadcaster } = dataSource.driver.createQueryRunner('master') as unknown as {
    broadcaster: object;
  };
  const prototype = Object.getPrototypeOf(broadcaster) as object;
  let state = joined.get(prototype);
  if (state === undefined) {
    const users: Users = new Map();
    joined.set(prototype, (state = { users, undo: install(prototype, users) }));
  }
  const { users, undo } = state;
  users.set(dataSource, (users.get(dataSource) ?? 0) + 1);
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    const others = (users.get(dataSource) ?? 1) - 1;
    if (others > 0) users.set(dataSource, others);
    else users.delete(dataSource);
    if (users.size > 0) return;
    undo();
    joined.delete(prototype);
  };
}

function install(prototype: object, users: Users): () => void {
  const isJoined = ({ queryRunner }: Broadcaster): boolean => {
    const dataSource = dataSourceOf(queryRunner);
    return dataSource.subscribers.length > 0 && users.has(dataSource);
  };
  const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const undo = methods.flatMap(([key, { value }]) => {
    if (typeof value !== 'function') return [];
    const method = value as Method;
    const event = /^broadcast(\w+)Event$/.exec(key)?.[1];
    const replace = (own: Method): (() => void)[] => [
      defineOwn(prototype, key, { value: own, writable: true }),
    ];
    if (key === 'broadcast') {
      return replace(function (...args) {
        const told = method.apply(this, args) as Promise<void>;
        if (args[0] !== 'BeforeTransactionCommit' || !isJoined(this)) return told;
        // What a subscriber began and did not await is also part of the transaction.
        return told.then(() => settleForeign(this.queryRunner));
      });
    }
    if (event === undefined || event === 'BeforeTransactionRollback') return [];
    return replace(function (...args) {
      if (!isJoined(this)) return method.apply(this, args);
      return inLevelOf(this.queryRunner, event, () => method.apply(this, args));
    });
  });
  return () => {
    for (const restore of undo) restore();
  };
}

function inLevelOf(queryRunner: QueryRunner, event: string, call: () => unknown): unknown {
  const dataSource = dataSourceOf(queryRunner);
  if (isInTransaction(queryRunner)) {
    const transaction = transactionOn(queryRunner, event, dataSource);
    if (transaction === undefined) return call();
    return runInLevel({ dataSource, name: NAME, current: () => transaction }, call);
  }
  // The transaction is over, also for what was bound to it.
  if (event === 'AfterTransactionCommit' || event === 'AfterTransactionRollback')
    return runInLevel({ dataSource, name: NAME, current: () => undefined }, call);
  return call();
}

/** The server says so: TypeORM calls a transaction active before it has sent BEGIN. */
function isInTransaction(queryRunner: QueryRunner): boolean {
  if (!queryRunner.isTransactionActive || queryRunner.isReleased) return false;
  const { databaseConnection } = queryRunner as { databaseConnection?: Partial<PgClient> };
  return databaseConnection !== undefined && databaseConnection.getTransactionStatus?.() !== 'I';
}

/** The code in a transaction of ours is in its level already, when its statements are sent. */
function transactionOn(
  queryRunner: QueryRunner,
  event: string,
  dataSource: DataSource,
): AmbientTransaction | undefined {
  const scope = scopeOf(queryRunner);
  if (scope === undefined) return ForeignTransaction.opened(queryRunner, dataSource);
  return scope.hasEnded || event.endsWith('Query') ? undefined : scope;
}
