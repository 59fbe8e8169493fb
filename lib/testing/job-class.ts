import { getOwnJobArgsMetadata } from '../job/job-args-metadata.js';

/** Which jobs are meant: the class of their args, decorated with `@JobArgs`, or their kind. */
export type JobClass<Args extends object = object> =
  (abstract new (...args: never[]) => Args) | string;

/** @throws TypeError when it is neither */
export function kindOf(jobClass: JobClass): string {
  if (typeof jobClass === 'string') return jobClass;
  const kind = typeof jobClass === 'function' && getOwnJobArgsMetadata(jobClass)?.kind;
  if (kind) return kind;
  throw new TypeError(
    'The jobs must be named by a class that is decorated with @JobArgs, or by their kind as a string.',
  );
}
