import { nameText } from '../lib/errors/name-text.js';
import { checkInsertOpts } from '../lib/insert/options/check-insert-opts.js';
import { checkKind } from '../lib/insert/insert-params.js';
import { checkWritable } from '../lib/insert/unique/unique-arg-presence.js';
import { setJobArgsMetadata, type ArgsClass } from '../lib/job/job-args-metadata.js';
import type { JobArgsProtocol } from '../lib/job/job-args.js';
import type { InsertOptionsByPath, Path } from '../lib/job/insert-options.js';

/** The protocol that River's clients share; see {@link JobArgsProtocol}. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- one name for decorator and type: only an interface can share that of a function, and the protocol adds nothing to it
export interface JobArgs extends JobArgsProtocol {}

/** Makes a decorator that names a property which the class does not have a compile error. */
type WithPaths<Class extends ArgsClass, ArgsPath extends string> = [ArgsPath] extends [
  Path<InstanceType<Class>>,
]
  ? unknown
  : { readonly 'byArgs names no property of this class': ArgsPath };

/**
 * Makes a class the args of a kind of job.
 *
 * @param kind as the Go worker's `Kind()` answers, 1 to 127 characters
 * @param defaults options of every job of the class; the call and the instance's `insertOpts()` win
 * @throws InvalidJobError at load, when the kind or a default is refused
 *
 * @example
 * @JobArgs('sort', { queue: 'slow', uniqueOpts: { byArgs: ['strings'] } })
 * class SortArgs {
 *   constructor(readonly strings: string[]) {}
 * }
 */
export function JobArgs<const ArgsPath extends string = never>(
  kind: string,
  defaults?: InsertOptionsByPath<ArgsPath>,
): <Class extends ArgsClass>(target: Class & WithPaths<Class, ArgsPath>) => void {
  checkKind(kind);
  const checked = checkInsertOpts(defaults, `@JobArgs('${nameText(kind)}').`);
  return (target) => {
    const byArgs = checked.uniqueOpts?.byArgs;
    if (typeof byArgs === 'object') checkPaths(target, kind, byArgs);
    setJobArgsMetadata(target, { kind, defaults: checked });
  };
}

function checkPaths(target: ArgsClass, kind: string, paths: readonly (readonly string[])[]): void {
  for (const [index, [key]] of paths.entries()) {
    if (key === undefined) continue;
    const field = `@JobArgs('${nameText(kind)}').uniqueOpts.byArgs[${index}]`;
    checkWritable(target.prototype as object, key, field);
  }
}
