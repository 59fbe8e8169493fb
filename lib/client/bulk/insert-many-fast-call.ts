import { InsertAbortedError } from '../../errors/insert-errors.js';
import { InvalidJobError } from '../../errors/invalid-errors.js';
import type { InsertContext, InsertParams } from '../../insert/insert-params.js';
import type { CopyInserter } from '../../postgres/copy/copy-inserter.js';
import type { Wake } from '../../postgres/insert/wake.js';
import type { Place } from '../../transaction/client-connections.js';
import {
  checkInsertManyFastOpts,
  type InsertManyFastOptions,
  type InsertManyFastResult,
} from './insert-many-fast-options.js';
import { FastItems } from './insert-many-fast-items.js';
import { makeItemParams } from '../inserts/insert-many-params.js';
import { checkOutsidePolicy } from '../inserts/outside-policy.js';

/** One `insertManyFast`, checked as far as it can be before its items are read. */
export class InsertManyFastCall {
  readonly #items: FastItems;
  readonly #opts: InsertManyFastOptions;
  readonly #context: InsertContext;
  /** Kinds of which it was told that they are inserted outside of transactions. */
  readonly #told = new Set<string>();
  #isOutside = false;

  /** @throws InvalidJobError when the items are none, or an option makes no sense */
  constructor(items: unknown, opts: unknown, context: InsertContext) {
    this.#items = new FastItems(items, (item) => this.#jobOf(item));
    this.#opts = checkInsertManyFastOpts(opts);
    this.#context = context;
  }

  async run(
    copier: CopyInserter,
    { connection, transaction }: Place,
    wake: Wake,
  ): Promise<InsertManyFastResult> {
    this.#isOutside = transaction === undefined;
    const { onConflict = 'fail', onProgress, signal } = this.#opts;
    const source = this.#items;
    return await copier.insert(connection, { source, onConflict, onProgress, signal, wake });
  }

  #jobOf(item: unknown): InsertParams {
    const job = makeItemParams(item, this.#context);
    if (job.unique?.path === 'lock') throw needsLocks();
    if (job.signal?.aborted) throw new InsertAbortedError(job.signal.reason, BY_ITEM);
    if (this.#isOutside && job.outsideTransaction !== 'allow') this.#tellOutside(job);
    return job;
  }

  /** Once for each kind: a million equal warnings would tell nobody more. */
  #tellOutside(job: InsertParams): void {
    if (this.#told.has(job.kind)) return;
    checkOutsidePolicy([job]);
    this.#told.add(job.kind);
  }
}

const BY_ITEM = '(that of one of its jobs), so nothing is stored';

function needsLocks(): InvalidJobError {
  return new InvalidJobError(
    "uniqueOpts.byState: this list of states needs a lock and a look-up for each job, which COPY can't " +
      'do. Use insertMany, or a list with available, pending, running and scheduled in it.',
    { code: 'RIVER_INVALID_UNIQUE_OPTS', field: 'uniqueOpts.byState' },
  );
}
