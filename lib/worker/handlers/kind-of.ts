import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { nameText } from '../../errors/name-text.js';
import { checkKind } from '../../insert/insert-params.js';
import { getOwnJobArgsMetadata } from '../../job/job-args-metadata.js';
import type { KindSource } from './worker-metadata.js';

/**
 * The kind that a decorator means.
 *
 * @param where names the method in the error
 * @throws RiverConfigurationError for a class without `@JobArgs`, InvalidJobError for what cannot be a kind
 */
export function kindOf(source: KindSource, where: string): string {
  if (typeof source === 'string') {
    checkKind(source);
    return source;
  }
  const kind = typeof source === 'function' ? getOwnJobArgsMetadata(source)?.kind : undefined;
  if (kind !== undefined) return kind;
  const name = typeof source === 'function' ? `the class ${nameText(source.name)}` : 'its argument';
  throw new RiverConfigurationError(
    `${where}: ${name} has no kind. Decorate the class with @JobArgs('kind'), or give the name of the kind.`,
    { code: 'RIVER_INVALID_WORKER', field: where },
  );
}
