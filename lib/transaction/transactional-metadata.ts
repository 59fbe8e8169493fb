import type { RiverTransactionOptions } from './river-transaction.js';

/** What `@RiverTransactional()` takes: how to open the transaction, and whose. */
export interface RiverTransactionalOptions extends RiverTransactionOptions {
  /** Name of the client whose data source is meant. Default: the one of `forRoot()` without a name. */
  readonly name?: string | undefined;
}

/** Where the decorator keeps its facts on the method: one entry per decorator, outermost first. */
export const RIVER_TRANSACTIONAL = Symbol.for('nestjs-river.RiverTransactional');

export function transactionsOf(method: object): readonly RiverTransactionalOptions[] {
  return (Reflect.getOwnMetadata(RIVER_TRANSACTIONAL, method) ?? []) as RiverTransactionalOptions[];
}

/** The part of the options that says how, without whose. */
export function withoutName({
  name: _name,
  ...options
}: RiverTransactionalOptions): RiverTransactionOptions {
  return options;
}
