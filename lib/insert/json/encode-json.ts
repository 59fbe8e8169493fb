import { types } from 'node:util';
import { className } from '../../errors/describe-value.js';
import { InvalidJobError, unreadable } from '../../errors/invalid-errors.js';
import { nameText, quotedNameText } from '../../errors/name-text.js';
import { isRefusal } from '../../errors/reading.js';
import { isPayloadArgs } from '../../job/job-args.js';
import { MAX_DEPTH, MAX_INTEGER_DIGITS, RawJson } from './raw-json.js';
import { whyNotText } from './well-formed.js';

/** What is being encoded, for the path in a refusal, and the objects open above it, for cycles. */
interface Walk {
  readonly path: (string | number)[];
  readonly open: object[];
}

/**
 * One that nobody is using, for the next: most of what encoding allocates would be its lists. Missing
 * while a `toJSON` encodes something itself, and after an error, which leaves the lists filled.
 */
let spareWalk: Walk | undefined;

/** Letters that stand in JSON as they are, and that jsonb holds: nearly all strings have no others. */
const PLAIN = /^[ !#-[\]-~]*$/;
const NOTHING: readonly string[] = [];

/** What the members of an object may take in jsonb, which has 28 bits for it. */
const MAX_BYTES = 2 ** 28 - 1;
const MAX_BYTES_OF_CHARACTER = 3;

/** Steps of a path that a message names, at its beginning and at its end. */
const MAX_STEPS = 8;

/**
 * The JSON text of a value, as `JSON.stringify` would write it, but nothing is changed silently:
 * what JSON drops or replaces, and what jsonb cannot hold, is refused with its path. A bigint
 * becomes a JSON integer, `-0` stays, {@link RawJson} is taken as it stands. Every property is read
 * once. Properties under symbols are not data, here as in JSON.
 *
 * @param root name of the value in error messages: `args`, `metadata`
 * @param leftOut top-level properties that are not encoded
 * @throws InvalidJobError with code RIVER_ARGS_NOT_JSON
 */
export function encodeJson(value: unknown, root: string, leftOut = NOTHING): string {
  const walk = spareWalk ?? { path: [], open: [] };
  spareWalk = undefined;
  walk.path.push(root);
  try {
    const text = encodeValue(resolveToJSON(value, ''), walk, leftOut);
    if (text.length > MAX_BYTES / MAX_BYTES_OF_CHARACTER && Buffer.byteLength(text) > MAX_BYTES)
      throw refuse(walk, 'is larger than 256 MiB as JSON, which is more than jsonb can hold');
    walk.path.pop();
    spareWalk = walk;
    return text;
  } catch (cause) {
    if (isRefusal(cause)) throw cause;
    const refuse = unreadable(pathOf(walk), 'RIVER_ARGS_NOT_JSON');
    throw refuse(`${isTooLong(cause) ? TOO_LONG : 'reading it threw an error'} (see cause)`, cause);
  }
}

/** The JSON text, or a string in it, would be longer than V8 allows. */
const TOO_LONG = 'its JSON text is longer than a JavaScript string can be';

function isTooLong(cause: unknown): boolean {
  return types.isNativeError(cause) && /string length/.test(cause.message);
}

/** As JSON does: `toJSON` is asked once, and its answer is not asked again. */
function resolveToJSON(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || RawJson.is(value)) return value;
  if (ArrayBuffer.isView(value) || isInvalidDate(value)) return value;
  // The payload stands in the place of its wrapping, so its own toJSON() is the one asked.
  if (isPayloadArgs(value)) return resolveToJSON(value.toJSON(), key);
  const toJSON: unknown = (value as { toJSON?: unknown }).toJSON;
  return typeof toJSON === 'function' ? toJSON.call(value, String(key)) : value;
}

function encodeValue(value: unknown, walk: Walk, leftOut = NOTHING): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value, walk);
    case 'number':
      if (!Number.isFinite(value)) throw refuse(walk, `is ${value}, which JSON turns into null`);
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return encodeBigint(value, walk);
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : encodeObject(value, walk, leftOut);
    case 'undefined':
      throw refuse(walk, 'is undefined, which JSON cannot hold; leave it out or use null');
    case 'function':
    case 'symbol':
      throw refuse(walk, `is a ${typeof value}, which JSON leaves out`);
  }
}

function encodeString(value: string, walk: Walk): string {
  if (PLAIN.test(value)) return `"${value}"`;
  const why = whyNotText(value);
  if (why !== undefined) throw refuse(walk, why);
  return JSON.stringify(value);
}

function encodeBigint(value: bigint, walk: Walk): string {
  const text = value.toString();
  if (text.replace('-', '').length > MAX_INTEGER_DIGITS)
    throw refuse(walk, 'has more digits than Postgres can hold');
  return text;
}

function encodeObject(value: object, walk: Walk, leftOut: readonly string[]): string {
  if (RawJson.is(value)) return encodeRawJson(value, walk);
  if (types.isBoxedPrimitive(value)) return encodeValue(value.valueOf(), walk);
  if (walk.open.includes(value)) throw refuse(walk, 'contains itself');
  if (walk.open.length >= MAX_DEPTH) throw tooDeep(walk);
  const why = whyNotData(value);
  if (why !== undefined) throw refuse(walk, why);
  walk.open.push(value);
  const text = Array.isArray(value)
    ? encodeArray(value, walk)
    : encodeMembers(value, walk, leftOut);
  walk.open.pop();
  return text;
}

/** A proxy or an heir of a RawJson could tell any text as its own, so it is not asked for it. */
function encodeRawJson(value: RawJson, walk: Walk): string {
  const content = RawJson.contentOf(value);
  if (content === undefined) {
    throw refuse(walk, 'looks like rawJson, but was not made by rawJson(...)');
  }
  if (walk.open.length + content.depth > MAX_DEPTH) throw tooDeep(walk);
  return content.text;
}

function tooDeep(walk: Walk): InvalidJobError {
  return refuse(walk, `is nested deeper than ${MAX_DEPTH} levels`);
}

function encodeArray(value: readonly unknown[], walk: Walk): string {
  let text = '[';
  for (let index = 0; index < value.length; index++) {
    walk.path.push(index);
    if (index > 0) text += ',';
    text += encodeValue(resolveToJSON(value[index], index), walk);
    walk.path.pop();
  }
  return `${text}]`;
}

function encodeMembers(value: object, walk: Walk, leftOut: readonly string[]): string {
  let text = '{';
  for (const key of Object.keys(value)) {
    if (leftOut.includes(key)) continue;
    walk.path.push(key);
    const member = resolveToJSON((value as Record<string, unknown>)[key], key);
    if (member !== undefined) {
      if (text !== '{') text += ',';
      text += `${encodeString(key, walk)}:${encodeValue(member, walk)}`;
    }
    walk.path.pop();
  }
  return `${text}}`;
}

/** Objects whose content JSON would lose, and what to use instead. */
function whyNotData(value: object): string | undefined {
  if (isInvalidDate(value)) return 'is an invalid date';
  if (types.isDate(value)) return 'is a Date that JSON would empty here; use its toISOString()';
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value))
    return `is binary data (${className(value)}); encode it, for example as base64 text`;
  // A proxy of a collection is none for `types`, but JSON empties it all the same.
  if (types.isMap(value) || value instanceof Map)
    return 'is a Map, which JSON empties; use Object.fromEntries(map)';
  if (types.isSet(value) || value instanceof Set)
    return 'is a Set, which JSON empties; use [...set]';
  if (types.isPromise(value)) return 'is a Promise; await it';
  if (types.isRegExp(value)) return 'is a RegExp, which JSON empties; use its source';
  if (types.isNativeError(value)) return 'is an Error, which JSON empties; use its message';
  if (types.isWeakMap(value) || types.isWeakSet(value))
    return 'is a weak collection, which JSON empties';
  return undefined;
}

function isInvalidDate(value: object): boolean {
  return types.isDate(value) && Number.isNaN(Date.prototype.getTime.call(value));
}

function refuse(walk: Walk, rule: string): InvalidJobError {
  return new InvalidJobError(`${pathOf(walk)}: the value ${rule}.`, {
    code: 'RIVER_ARGS_NOT_JSON',
    field: pathOf(walk),
  });
}

/** `args.customer.emails[0]`; keys that are no identifiers in brackets and quotes. */
function pathOf({ path }: Walk): string {
  const steps = path.map((step, index) => {
    if (typeof step === 'number') return `[${step}]`;
    if (index === 0) return step;
    if (/^[A-Za-z_$][\w$]*$/.test(step)) return `.${nameText(step)}`;
    return `[${quotedNameText(step)}]`;
  });
  if (steps.length > 2 * MAX_STEPS) steps.splice(MAX_STEPS, steps.length - 2 * MAX_STEPS, '…');
  return steps.join('');
}
