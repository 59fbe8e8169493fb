import { invalidParams } from '../errors/invalid-params-error.js';
import { getOwnJobArgsMetadata } from '../job/job-args-metadata.js';

/** @throws InvalidParamsError when it is not a class that `@JobArgs` decorates itself */
export function kindOfClass(argsClass: unknown): string {
  const metadata = typeof argsClass === 'function' ? getOwnJobArgsMetadata(argsClass) : undefined;
  if (metadata !== undefined) return metadata.kind;
  throw invalidParams('argsClass', 'must be a class decorated with @JobArgs', argsClass);
}
