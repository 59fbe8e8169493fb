import { MANAGER } from './entity-manager.mjs';
import { ON_TARGET } from './on-target.mjs';
import { ORDINARY } from './ordinary.mjs';
import { BUILDERS } from './query-builders.mjs';
import { ACTIVE_RECORD } from './active-record.mjs';
import { SELECT } from './select-query-builder.mjs';
import { TREES } from './trees.mjs';
import { WRITES } from './write-query-builders.mjs';

/**
 * @typedef {object} Call
 * @property {string} title `Class.method`, and after a colon in which way; or just a text.
 * @property {(on: import('../places.mjs').On) => unknown} call
 * @property {boolean} [needsTransaction] Fails outside a transaction: compared with what it does in
 *   one of TypeORM's own.
 * @property {string} [inside] The outcome in our transactions, decided to differ from TypeORM's.
 */

/** Those that the installed TypeORM has. @param {ReadonlySet<string>} titles @returns {Call[]} */
export function calls(titles) {
  const tables = [MANAGER, ON_TARGET, ACTIVE_RECORD, BUILDERS, SELECT, WRITES, TREES, ORDINARY];
  return tables
    .flatMap((table) => Object.entries(table))
    .map(([title, call]) => ({ title, ...(typeof call === 'function' ? { call } : call) }))
    .filter(({ title }) => {
      const [method] = title.split(':');
      return !/^\w+\.\S/.test(method) || titles.has(method);
    });
}
