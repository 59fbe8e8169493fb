import { InvalidJobError } from '../errors/invalid-errors.js';
import { nameText } from '../errors/name-text.js';

/** Of the form in which decorators keep their facts on a class: one more with each change of it. */
export const FACTS_VERSION = 1;

/**
 * Facts of another installed copy of this package are understood if they have the same form.
 *
 * @throws InvalidJobError otherwise, since options or marks might be ignored
 */
export function requireFactsVersion(version: unknown, className: unknown): void {
  if (version === FACTS_VERSION) return;
  throw new InvalidJobError(
    `args: the class ${nameText(String(className))} was decorated by another installed copy of ` +
      'nestjs-river, of a version that this one does not understand. Install one copy: see `npm ls nestjs-river`.',
    { code: 'RIVER_OTHER_COPY', field: 'args' },
  );
}
