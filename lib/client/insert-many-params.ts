import { describeValue } from '../errors/describe-value.js';
import { InvalidJobError } from '../errors/invalid-job-error.js';
import {
  makeInsertParams,
  type InsertContext,
  type InsertParams,
} from '../insert/insert-params.js';
import type { InsertOpts } from '../job/insert-opts.js';
import type { JobInsertResult } from '../job/job-insert-result.js';

/**
 * One job of an `insertMany` that has options of its own.
 *
 * @example
 * await river.insertMany([new SortArgs([]), InsertManyParams.of(new SortArgs([]), { queue: 'slow' })]);
 */
export class InsertManyParams<Args extends object = object> {
  readonly args: Args;
  readonly opts: InsertOpts<Args> | undefined;

  private constructor(args: Args, opts: InsertOpts<Args> | undefined) {
    this.args = args;
    this.opts = opts;
  }

  static of<Args extends object>(
    args: Args,
    opts?: InsertOpts<NoInfer<Args>>,
  ): InsertManyParams<Args> {
    return new InsertManyParams<Args>(args, opts);
  }
}

/** What `insertMany` takes: args, or args with their own options. */
export type InsertManyItem = object;

type ArgsOf<Item> = Item extends InsertManyParams<infer Args> ? Args : Item;

/** The results of an `insertMany`: a tuple of args gives a tuple of results. */
export type InsertManyResults<Items extends readonly InsertManyItem[]> = {
  -readonly [I in keyof Items]: JobInsertResult<ArgsOf<Items[I]>>;
};

/** Checks and encodes all items, before anything is sent. */
export function makeManyParams(items: unknown, context: InsertContext): InsertParams[] {
  if (!Array.isArray(items)) {
    throw new InvalidJobError(`jobs: must be an array; got ${describeValue(items)}.`, {
      code: 'RIVER_ARGS_UNDECORATED',
      field: 'jobs',
    });
  }
  return Array.from(items as unknown[], (item, index) => {
    try {
      return makeItemParams(item, context);
    } catch (error) {
      throw error instanceof InvalidJobError ? error.at(index) : error;
    }
  });
}

/** The same of one item. */
export function makeItemParams(item: unknown, context: InsertContext): InsertParams {
  return item instanceof InsertManyParams
    ? makeInsertParams(item.args, item.opts, context)
    : makeInsertParams(item, undefined, context);
}
