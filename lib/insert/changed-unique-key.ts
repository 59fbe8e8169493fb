import type { CheckedUniqueOpts } from './options/checked-insert-opts.js';
import type { NewArgs } from './args-change.js';
import { makeUnique } from './unique/unique.js';
import { uniqueKey } from './unique/unique-key.js';

/** What of a job enters its unique key. */
interface KeyedJob {
  readonly kind: string;
  readonly queue: string;
  readonly scheduledAt: Date;
}

/** What changes of a job's place in River's unique index. */
export interface ChangedUnique {
  /** The unique key, in hexadecimal. */
  readonly key: string;
  /** The bits of `unique_states`; undefined where they stay. */
  readonly stateBits: string | undefined;
}

/**
 * The place that an insert of new args would have, with the states only where they are given; undefined
 * where the args are not unique by River's index.
 */
export function uniqueOfNewArgs(job: KeyedJob, args: NewArgs): ChangedUnique | undefined {
  if (args.uniqueOpts === undefined) return undefined;
  const unique = makeUnique({ ...job, ...args }, args.uniqueOpts);
  if (unique.path !== 'index') return undefined;
  const stateBits = args.uniqueOpts.byState && unique.stateBits;
  return { key: unique.hash.toString('hex'), stateBits };
}

/**
 * The unique key of a stored job under another queue, from its row alone. Which dimensions are on is
 * known where the hash of all that they name is the key that is stored: then nothing else can be in it.
 * That is not to be found for a period, for some of the args, and for nested args whose order jsonb has
 * not kept.
 */
export function keyInQueue(
  job: KeyedJob & { readonly encodedArgs: string; readonly uniqueKey: string },
  queue: string,
): string | undefined {
  const onAbsent = (): void => undefined;
  const opts = DIMENSIONS.find((each) => hexKey({ ...job, onAbsent }, each) === job.uniqueKey);
  return opts && hexKey({ ...job, queue, onAbsent }, opts);
}

function hexKey(...key: Parameters<typeof uniqueKey>): string {
  return uniqueKey(...key).hash.toString('hex');
}

const DIMENSIONS: readonly CheckedUniqueOpts[] = ([true, undefined] as const).flatMap((byArgs) =>
  [false, true].flatMap((byQueue) =>
    [false, true].map((excludeKind) => ({
      byArgs,
      byPeriod: undefined,
      byQueue,
      byState: undefined,
      excludeKind,
    })),
  ),
);
