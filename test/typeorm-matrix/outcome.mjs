import { isPromise } from 'node:util/types';

/**
 * What a call does, as a text to be compared: whether it gives a promise, and what comes of it.
 *
 * @param {() => unknown} call
 * @returns {Promise<string>}
 */
export async function outcomeOf(call) {
  let how = 'throws';
  try {
    const returned = call();
    how = isPromise(returned) ? 'rejects with' : 'gives';
    const value = await returned;
    how = how === 'gives' ? 'returns' : 'resolves with';
    return `${how} ${JSON.stringify(plain(value))}`;
  } catch (error) {
    if (how === 'gives') how = 'is a thenable that rejects with';
    return `${how} ${error?.code ?? ''} ${error?.name}: ${error?.message}`;
  }
}

/**
 * Its class and its values. Neither times are compared, nor the order of entities and of ids inside
 * of others, which no query specifies.
 */
function plain(value, above = []) {
  if (value === undefined) return '<undefined>';
  if (typeof value === 'function') return `<function ${value.name}>`;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return '<time>';
  if (above.includes(value)) return '<above>';
  const inside = [...above, value];
  if (Array.isArray(value)) {
    const list = value.map((each) => plain(each, inside));
    const isUnordered = above.length > 0 && list.every((each) => typeof idOf(each) === 'number');
    return isUnordered ? list.sort((a, b) => idOf(a) - idOf(b)) : list;
  }
  const name = value.constructor?.name;
  const entries = Object.entries(value).map(([key, each]) => [key, plain(each, inside)]);
  return Object.fromEntries([...(name === 'Object' ? [] : [['<class>', name]]), ...entries]);
}

const idOf = (value) => value?.id ?? value;
