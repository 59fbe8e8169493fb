import type { CheckedUniqueOpts } from './checked-insert-opts.js';
import type { NewArgs } from './args-change.js';
import { makeUnique } from './unique.js';
import { uniqueKey } from './unique-key.js';

/** What of a job enters its unique key. */
interface KeyedJob {
  readonly kind: string;
  readonly queue: string;
  readonly scheduledAt: Date;
}

/**
 * The unique key, in hexadecimal, that an insert of new args would have; undefined where they are not unique by River's
 * index.
 */
export function keyOfNewArgs(job: KeyedJob, args: NewArgs): string | undefined {
  if (args.uniqueOpts === undefined) return undefined;
  const unique = makeUnique({ ...job, ...args }, args.uniqueOpts);
  return unique.path === 'index' ? unique.hash.toString('hex') : undefined;
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
