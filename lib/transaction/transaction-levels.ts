import type { QueryRunner } from 'typeorm';
import { ambientTransactionOf } from './ambient-transaction.js';
import { TransactionScope } from './transaction-scope.js';

/** A property of the runner: a WeakMap of so many short lives would cost the garbage collector. */
const ROOT = Symbol('nestjs-river.root');

interface Rooted {
  [ROOT]?: TransactionScope;
}

/** Notes the outermost scope of a query runner that we opened. */
export function registerRoot(root: TransactionScope): void {
  (root.queryRunner as Rooted)[ROOT] = root;
}

/**
 * The scope of ours that a call on this query runner belongs to: the one that the running code is in,
 * if it is on this connection; else the outermost, for code that came by the runner or its manager in
 * another way. undefined for a runner that somebody else opened.
 */
export function scopeOf(queryRunner: QueryRunner | undefined): TransactionScope | undefined {
  const root = (queryRunner as Rooted | undefined)?.[ROOT];
  if (root === undefined) return undefined;
  const ambient = ambientTransactionOf(root.shared.dataSource);
  return ambient instanceof TransactionScope && ambient.shared === root.shared ? ambient : root;
}
