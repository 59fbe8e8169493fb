import { types } from 'node:util';
import { describeValue } from '../../errors/describe-value.js';
import { InvalidJobError, unreadable } from '../../errors/invalid-errors.js';
import { reading } from '../../errors/reading.js';
import {
  makeInsertParams,
  type InsertContext,
  type InsertParams,
} from '../../insert/insert-params.js';
import type { InsertOptions } from '../../job/insert-options.js';
import type { JobObject } from '../../job/job-object.js';
import type { JobInsertResult } from '../../job/row/job-insert-result.js';

const BRAND = Symbol.for('nestjs-river.InsertManyParams');

/**
 * One job of an `insertMany` that has options of its own.
 *
 * @example
 * await river.insertMany([new SortArgs([]), InsertManyParams.of(new SortArgs([]), { queue: 'slow' })]);
 */
export class InsertManyParams<Args extends JobObject = JobObject> {
  readonly args: Args;
  readonly opts: InsertOptions<Args> | undefined;

  private constructor(args: Args, opts: InsertOptions<Args> | undefined) {
    this.args = args;
    this.opts = opts;
  }

  static of<Args extends JobObject>(
    args: Args,
    opts?: InsertOptions<NoInfer<Args>>,
  ): InsertManyParams<Args> {
    return new InsertManyParams<Args>(args, opts);
  }

  /** Whether it was made by {@link of}, also by that of another installed copy of this package. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  get [BRAND](): true {
    return true;
  }
}

/** What `insertMany` takes: args, or args with their own options. */
export type InsertManyItem = JobObject;

type ArgsOf<Item> = Item extends InsertManyParams<infer Args> ? Args : Item;

/** The results of an `insertMany`: a tuple of args gives a tuple of results. */
export type InsertManyResults<Items extends readonly InsertManyItem[]> = {
  -readonly [I in keyof Items]: JobInsertResult<ArgsOf<Items[I]>>;
};

/** Checks and encodes all items, before anything is sent. */
export function makeManyParams(items: unknown, context: InsertContext): InsertParams[] {
  const length = reading(unreadable('jobs', 'RIVER_INVALID_ITEMS'), () => lengthOf(items));
  const list = items as readonly unknown[];
  const jobs: InsertParams[] = [];
  for (let index = 0; index < length; index++) {
    try {
      const refuse = unreadable('args', 'RIVER_INVALID_ITEMS');
      jobs.push(
        makeItemParams(
          reading(refuse, () => list[index]),
          context,
        ),
      );
    } catch (error) {
      throw error instanceof InvalidJobError ? error.at(index) : error;
    }
  }
  return jobs;
}

function lengthOf(items: unknown): number {
  if (Array.isArray(items)) return items.length;
  const hint = types.isPromise(items)
    ? ' Await it.'
    : isIterable(items)
      ? ' Copy what it yields to an array, or give it to insertManyFast.'
      : '';
  throw new InvalidJobError(`jobs: must be an array; got ${describeValue(items)}.${hint}`, {
    code: 'RIVER_INVALID_ITEMS',
    field: 'jobs',
  });
}

function isIterable(items: unknown): boolean {
  if (typeof items !== 'object' || items === null) return false;
  return Symbol.iterator in items || Symbol.asyncIterator in items;
}

/** The same of one item. */
export function makeItemParams(item: unknown, context: InsertContext): InsertParams {
  const isParams = reading(
    unreadable('args', 'RIVER_ARGS_UNDECORATED'),
    () => item instanceof InsertManyParams,
  );
  const { args, opts } = isParams ? (item as InsertManyParams) : { args: item, opts: undefined };
  return makeInsertParams(args, opts, context);
}
