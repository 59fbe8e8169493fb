import type { InsertOptions } from './insert-opts.js';

/**
 * The protocol that River's clients share: an object that says its own kind. What JSON makes of it,
 * without `kind` and `insertOpts`, are the job's args; `toJSON()`, where there is one, decides alone.
 */
export interface JobArgsProtocol {
  readonly kind: string;
  toJSON?(): unknown;
  insertOpts?(): InsertOptions;
}
