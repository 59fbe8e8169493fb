import type { DataSource, QueryRunner } from 'typeorm';
import type { PgClient } from '../../postgres/driver/pg-client.js';
import { ambientTransactionOf } from '../context/ambient-transaction.js';
import type { TransactionScope } from './transaction-scope.js';

/** A property of the runner and of its client: a WeakMap of so many short lives would cost the garbage collector. */
const ROOT = Symbol('nestjs-river.root');

interface Rooted {
  [ROOT]?: TransactionScope;
}

/** Notes the outermost scope of a query runner that we opened, and of its client until the next one. */
export function registerRoot(root: TransactionScope): void {
  (root.queryRunner as Rooted)[ROOT] = root;
  (root.session.client as Rooted)[ROOT] = root;
}

/** A held transaction has ended, and its query runner may begin another. */
export function forgetRoot(root: TransactionScope): void {
  delete (root.queryRunner as Rooted)[ROOT];
  delete (root.session.client as Rooted)[ROOT];
}

/**
 * The scope of ours that a call on this query runner belongs to: the one that the running code is in,
 * if it is on this connection; else the outermost, for code that came by the runner or its manager in
 * another way. undefined for a runner that somebody else opened.
 */
export function scopeOf(queryRunner: QueryRunner | undefined): TransactionScope | undefined {
  const root = (queryRunner as Rooted | undefined)?.[ROOT];
  if (root === undefined) return undefined;
  const ambient = ambientTransactionOf(root.session.dataSource);
  return ambient?.session === root.session ? (ambient as TransactionScope) : root;
}

/**
 * The same for a raw client of `pg`. A scope that has ended rejects the call: either the running code
 * was started in it and has outlived it, or the client is idle in the pool since. undefined for a
 * client that the pool has handed out to the application's own transaction.
 */
export function scopeOnClient(
  client: PgClient,
  dataSource: DataSource,
): TransactionScope | undefined {
  const ambient = ambientTransactionOf(dataSource);
  if (ambient?.session?.client === client) return ambient as TransactionScope;
  const root = (client as Rooted)[ROOT];
  const isHandedOut =
    root?.queryRunner.isReleased === true && client.getTransactionStatus() !== 'I';
  return isHandedOut ? undefined : root;
}
