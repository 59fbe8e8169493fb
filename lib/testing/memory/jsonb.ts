import { canonicalJson } from '../../insert/json/canonical-json.js';
import { jsonTokens } from '../../job/json-tokens.js';

/** A value of jsonb: numbers are kept as they are printed, since JavaScript would round some. */
export type Jsonb = string | boolean | null | JsonbNumber | Jsonb[] | JsonbObject;
export type JsonbObject = Map<string, Jsonb>;

export class JsonbNumber {
  constructor(readonly text: string) {}
}

/** The text that Postgres prints of a JSON text stored as jsonb. */
export function jsonbText(json: string): string {
  return printJsonb(parseJsonb(json));
}

export function parseJsonb(json: string): Jsonb {
  const tokens = jsonTokens(json);
  const next = (): string => String(tokens.next().value);
  const read = (token: string): Jsonb => {
    if (token === '{') return readObject(next, read);
    if (token === '[') return readArray(next, read);
    if (token.startsWith('"')) return JSON.parse(token) as string;
    if (token === 'null') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    return new JsonbNumber(plainNumber(token));
  };
  return read(next());
}

function readObject(next: () => string, read: (token: string) => Jsonb): JsonbObject {
  const object: JsonbObject = new Map();
  for (let token = next(); token !== '}'; token = next()) {
    const key = JSON.parse(token === ',' ? next() : token) as string;
    next();
    object.set(key, read(next()));
  }
  return object;
}

function readArray(next: () => string, read: (token: string) => Jsonb): Jsonb[] {
  const array: Jsonb[] = [];
  for (let token = next(); token !== ']'; token = next()) {
    array.push(read(token === ',' ? next() : token));
  }
  return array;
}

/** The keys are ordered by their length in UTF-8, then by their bytes. */
export function printJsonb(value: Jsonb): string {
  if (value instanceof JsonbNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(printJsonb).join(', ')}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const entries = [...value].map(([key, each]) => [Buffer.from(key), each] as const);
  entries.sort(([a], [b]) => a.length - b.length || a.compare(b));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key.toString())}: ${printJsonb(each)}`).join(', ')}}`;
}

export function areEqual(a: string, b: string): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** `outer @> inner` */
export function contains(outer: Jsonb, inner: Jsonb, isTop = true): boolean {
  if (inner instanceof Map) {
    return (
      outer instanceof Map &&
      [...inner].every(([key, value]) => {
        const held = outer.get(key);
        return held !== undefined && contains(held, value, false);
      })
    );
  }
  if (Array.isArray(inner)) {
    return (
      Array.isArray(outer) &&
      inner.every((value) => outer.some((held) => contains(held, value, false)))
    );
  }
  if (Array.isArray(outer)) return isTop && outer.some((held) => contains(held, inner, false));
  return !(outer instanceof Map) && areEqual(printJsonb(outer), printJsonb(inner));
}

/** `value #> path`; undefined where there is none. */
export function valueAt(value: Jsonb, path: readonly string[]): Jsonb | undefined {
  let found: Jsonb | undefined = value;
  for (const key of path) {
    if (found instanceof Map) found = found.get(key);
    else if (Array.isArray(found) && /^\d+$/.test(key)) found = found[Number(key)];
    else return undefined;
  }
  return found;
}

/** jsonb keeps zeros at the end of a fraction, and knows no exponents. */
function plainNumber(token: string): string {
  const [, sign = '', integer = '', fraction = '', exponent] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const power = Number(exponent ?? 0);
  const digits = integer + fraction;
  const point = integer.length + power;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const whole = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(at);
  const isZero = /^0*$/.test(whole + rest);
  return `${isZero ? '' : sign}${whole}${rest === '' ? '' : `.${rest}`}`;
}
