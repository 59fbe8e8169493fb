import { InvalidJobError } from '../../errors/invalid-errors.js';
import { nameText } from '../../errors/name-text.js';
import type { IdentifiedJob } from '../../job/identify-job.js';

/** Which class has which kind. One per client: a process-wide one would outlive its application. */
export class KindRegistry {
  readonly #classes = new Map<string, { readonly name: string }>();

  /**
   * Notes the class of a job as its kind's. A class of the same name replaces the one before: it is
   * the same one, loaded again.
   *
   * @throws InvalidJobError when a class of another name has the kind
   */
  claim({ kind, argsClass }: IdentifiedJob): void {
    if (argsClass === undefined) return;
    const owner = this.#classes.get(kind);
    if (owner === argsClass) return;
    if (owner !== undefined && (owner.name !== argsClass.name || owner.name === '')) {
      throw new InvalidJobError(
        `kind: '${nameText(kind)}' is the kind of the class ${classText(owner)} already; the class ` +
          `${classText(argsClass)} needs another one, or a worker would decode the wrong args.`,
        { code: 'RIVER_KIND_TAKEN', field: 'kind' },
      );
    }
    this.#classes.set(kind, argsClass);
  }
}

function classText({ name }: { readonly name: string }): string {
  return nameText(name) || '(anonymous)';
}
