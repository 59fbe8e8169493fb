import { InvalidJobError } from '../../errors/invalid-errors.js';
import { jsonTokens } from '../../job/json-tokens.js';

/**
 * Compares strings by their UTF-8 bytes, as Go does. JavaScript compares UTF-16 units, which is the
 * same but for surrogates, and what comes behind them.
 */
function compareBytes(a: string, b: string): number {
  if (!/[\ud800-\uffff]/.test(a) && !/[\ud800-\uffff]/.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ESCAPES: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** The escapes that Go's encoding/json makes beyond JSON's own. They occur inside strings only. */
function escapeAsGo(json: string): string {
  if (!/[<>&\u2028\u2029]/.test(json)) return json;
  return json.replace(/[<>&\u2028\u2029]/g, (character) => ESCAPES[character] ?? character);
}

/** An object key as River writes it into a unique key: verbatim where printable ASCII allows it. */
function encodeKey(key: string): string {
  return /^[\x20-\x7f]*$/.test(key) && !/["\\]/.test(key)
    ? `"${key}"`
    : escapeAsGo(JSON.stringify(key));
}

/**
 * The members of a JSON object's text, or the elements of an array's under their positions, in
 * order; values as text. Raw JSON may repeat a key.
 */
function entriesOf(json: string): (readonly [key: string, value: string])[] {
  const entries: (readonly [string, string])[] = [];
  const isArray = json.startsWith('[');
  let depth = 0;
  let key: string | undefined;
  let value = '';
  for (const token of jsonTokens(json)) {
    if (token === '}' || token === ']') depth--;
    if (depth === 0 || (depth === 1 && token === ',')) {
      const name = isArray ? String(entries.length) : key;
      if (name !== undefined && value !== '') entries.push([name, value]);
      key = undefined;
      value = '';
    } else if (!isArray && key === undefined) key = keyOf(token);
    else if (depth !== 1 || token !== ':') value += token;
    if (token === '{' || token === '[') depth++;
  }
  return entries;
}

function keyOf(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

/** All args for the unique key: top-level keys in byte order, each value as Go would write it. */
export function allUniqueArgs(encodedArgs: string): string {
  // Of a repeated key Go takes the first value; a Map built of the reverse keeps it.
  const members = [...new Map(entriesOf(encodedArgs).reverse())];
  members.sort(([a], [b]) => compareBytes(a, b));
  return `{${members.map(([key, value]) => `${encodeKey(key)}:${escapeAsGo(value)}`).join(',')}}`;
}

/** Told of a selected path that the JSON does not contain; throws if that is an error. */
export type OnAbsent = (path: readonly string[]) => void;

/**
 * What River's Go client builds of the selected values: objects, or arrays where a key is a number,
 * with nulls (here undefined) before its position.
 */
type Selected = string | Map<string, Selected> | (Selected | undefined)[];

/**
 * The selected args for the unique key: paths in the byte order of their dot-joined names, each
 * value found set into a fresh object; '' when none is found.
 *
 * @param paths each a list of literal keys
 * @param onAbsent called with each path under which nothing is found
 */
export function selectedUniqueArgs(
  encodedArgs: string,
  paths: readonly (readonly string[])[],
  onAbsent: OnAbsent,
): string {
  let root: Selected | undefined;
  for (const path of [...paths].sort(comparePaths)) {
    const value = valueAt(encodedArgs, path);
    if (value === undefined) onAbsent(path);
    else root = place(root ?? emptyFor(path[0]), path, escapeAsGo(value));
  }
  return root === undefined ? '' : print(root);
}

/** Paths that differ only in where a key ends, `a.b` and `a` `b`: the shorter key goes first, as in Go. */
function comparePaths(a: readonly string[], b: readonly string[]): number {
  const byName = compareBytes(a.join('.'), b.join('.'));
  if (byName !== 0) return byName;
  const first = a.findIndex((key, index) => key !== b[index]);
  return first < 0 ? 0 : (a[first]?.length ?? 0) - (b[first]?.length ?? 0);
}

/**
 * The JSON text of the value under a path of literal keys, as Go finds it: where a key is repeated,
 * the first under which the rest of the path leads to something.
 */
function valueAt(json: string, [key, ...rest]: readonly string[]): string | undefined {
  if (key === undefined) return json;
  if (!/^[{[]/.test(json)) return undefined;
  for (const [name, value] of entriesOf(json)) {
    const found = name === key ? valueAt(value, rest) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same as jsonb finds it, which keeps the last of a repeated key. */
export function valueInJsonb(json: string, [key, ...rest]: readonly string[]): string | undefined {
  if (key === undefined) return json;
  if (!/^[{[]/.test(json)) return undefined;
  const value = new Map(entriesOf(json)).get(key);
  return value === undefined ? undefined : valueInJsonb(value, rest);
}

/** The last place that a key of digits may have in an array: the nulls before it are written out. */
const MAX_INDEX = 1_000_000;

/**
 * Go makes an array of a container whose first key consists of digits, and below the top level of
 * one whose first key is `-1`, which appends. Oddities of its JSON setter, but part of the key.
 */
function emptyFor(key = '', isNested = false): Selected {
  return /^\d+$/.test(key) || (isNested && key === '-1') ? [] : new Map<string, Selected>();
}

function place(
  container: Selected,
  [key = '', ...rest]: readonly string[],
  value: string,
): Selected {
  // A shorter path has placed the whole value here already.
  if (typeof container === 'string') return container;
  const inner = (present: Selected | undefined, isNew: boolean): Selected =>
    rest.length === 0 ? value : place(present ?? emptyFor(rest[0], isNew), rest, value);
  if (container instanceof Map) return container.set(key, inner(container.get(key), true));
  const index = key === '-1' ? container.length : /^\d+$/.test(key) ? Number(key) : Number.NaN;
  if (!(index <= MAX_INDEX)) throw notAnIndex();
  container[index] = inner(container[index], index >= container.length);
  return container;
}

function notAnIndex(): InvalidJobError {
  return new InvalidJobError(
    'uniqueOpts.byArgs: the first selected key consists of digits, which River turns into an ' +
      `array; the other selected keys must then be numbers up to ${MAX_INDEX} too. Rename the key.`,
    { code: 'RIVER_INVALID_UNIQUE_OPTS', field: 'uniqueOpts.byArgs' },
  );
}

function print(selected: Selected): string {
  if (typeof selected === 'string') return selected;
  if (Array.isArray(selected))
    return `[${Array.from(selected, (each) => (each === undefined ? 'null' : print(each))).join(',')}]`;
  return `{${[...selected].map(([key, value]) => `${encodeKey(key)}:${print(value)}`).join(',')}}`;
}
