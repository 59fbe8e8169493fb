import { unreadable } from '../errors/invalid-errors.js';
import { reading } from '../errors/reading.js';
import { identifyJob } from '../job/identify-job.js';
import { checkInsertOpts } from './options/check-insert-opts.js';
import { mergeInsertOpts, type CheckedUniqueOpts } from './options/checked-insert-opts.js';
import { checkKind, encodeArgs } from './insert-params.js';

/** Args that are to replace those of a stored job. */
export interface NewArgs {
  readonly kind: string;
  /** JSON text of an object. */
  readonly encodedArgs: string;
  /** The args before they were encoded. */
  readonly payload: object;
  /** What makes jobs of these args unique, as an insert of them would have it. */
  readonly uniqueOpts: CheckedUniqueOpts | undefined;
  /** Whether the call gave unique options. */
  readonly hasOwnUniqueOpts: boolean;
}

/**
 * Reads args as an insert does.
 *
 * @param uniqueOpts those of the call; not given, those of the args and their class
 * @throws InvalidJobError
 */
export function readNewArgs(args: unknown, uniqueOpts: unknown): NewArgs {
  return reading(unreadable('args', 'RIVER_ARGS_NOT_JSON'), () => read(args, uniqueOpts));
}

function read(args: unknown, uniqueOpts: unknown): NewArgs {
  const job = identifyJob(args);
  checkKind(job.kind);
  const merged = mergeInsertOpts([
    checkInsertOpts({ uniqueOpts }),
    checkInsertOpts(job.instanceOpts, 'insertOpts().'),
    job.classOpts,
  ]);
  return {
    kind: job.kind,
    encodedArgs: encodeArgs(job),
    payload: job.payload,
    uniqueOpts: merged.uniqueOpts ?? undefined,
    hasOwnUniqueOpts: uniqueOpts !== undefined,
  };
}
