import { types } from 'node:util';
import { describeValue } from '../errors/describe-value.js';
import { InvalidJobError } from '../errors/invalid-errors.js';
import { nameText } from '../errors/name-text.js';
import { isPayloadArgs } from './job-args.js';
import { decoratedParentOf, getOwnJobArgsMetadata } from './job-args-metadata.js';

/** What is known of a job from its args alone. */
export interface IdentifiedJob {
  readonly kind: string;
  /** The object to encode. */
  readonly args: object;
  /** The class that claims the kind; undefined for plain objects and `jobArgs(...)`. */
  readonly argsClass: { readonly name: string } | undefined;
  /** Where the properties are that the class of the args describes. */
  readonly payload: object;
  /** Top-level properties that belong to the protocol and not to the args. */
  readonly notArgs: readonly string[];
  /** Defaults of the class, as checked when its decorator ran. */
  readonly classOpts: object | undefined;
  /** What the instance's `insertOpts()` answered, not yet checked. */
  readonly instanceOpts: unknown;
}

interface MaybeProtocol {
  readonly kind?: unknown;
  readonly insertOpts?: unknown;
  readonly toJSON?: unknown;
}

/**
 * Finds the kind of args: from `@JobArgs` on their class, or else from their `kind` property. If
 * both are there the decorator decides, and the property is data like any other.
 *
 * @throws InvalidJobError when the args are neither.
 */
export function identifyJob(args: unknown): IdentifiedJob {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) throw undecorated(args);
  const constructor = constructorOf(args);
  const metadata = constructor && getOwnJobArgsMetadata(constructor);
  const protocol: MaybeProtocol = args;
  const insertOpts: unknown = protocol.insertOpts;
  const instanceOpts: unknown =
    typeof insertOpts === 'function' ? insertOpts.call(args) : undefined;
  const answersItself = typeof protocol.toJSON === 'function';

  if (metadata !== undefined) {
    return {
      kind: metadata.kind,
      args,
      argsClass: constructor,
      payload: payloadOf(args),
      notArgs: typeof insertOpts === 'function' && !answersItself ? ['insertOpts'] : [],
      classOpts: metadata.defaults,
      instanceOpts,
    };
  }
  const parent = constructor && decoratedParentOf(constructor);
  if (constructor !== undefined && parent !== undefined)
    throw undecoratedSubclass(constructor, parent);
  const kind: unknown = protocol.kind;
  if (typeof kind !== 'string') throw undecorated(args);
  if (insertOpts !== undefined && typeof insertOpts !== 'function') throw notAFunction(insertOpts);
  const isPlain = constructor === undefined || isPayloadArgs(args);
  return {
    kind,
    args,
    argsClass: isPlain ? undefined : constructor,
    payload: payloadOf(args),
    notArgs: answersItself ? [] : ['kind', 'insertOpts'],
    classOpts: undefined,
    instanceOpts,
  };
}

function payloadOf(args: object): object {
  return isPayloadArgs(args) ? args.toJSON() : args;
}

/** The class of an instance; undefined for object literals. */
function constructorOf(args: object): { readonly name: string } | undefined {
  const prototype: unknown = Object.getPrototypeOf(args);
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  const constructor: unknown = prototype.constructor;
  return typeof constructor === 'function' && constructor !== Object ? constructor : undefined;
}

function undecorated(args: unknown): InvalidJobError {
  return new InvalidJobError(
    `args: cannot tell the kind of ${describeValue(args)}.${hint(args)} Decorate its class, ` +
      "@JobArgs('sort') class SortArgs { constructor(readonly strings: string[]) {} }, give it a " +
      "`kind` property, or use jobArgs('sort', { strings: [] }).",
    { code: 'RIVER_ARGS_UNDECORATED', field: 'args' },
  );
}

/** For what is often given in the place of args. */
function hint(args: unknown): string {
  if (typeof args === 'function') return ' Give an instance of the class, new SortArgs([]).';
  if (types.isPromise(args)) return ' Await it.';
  if (typeof args !== 'object' || args === null) return '';
  return Object.keys(args).join() === 'args,opts'
    ? ' Give args with options of their own to insertMany, as InsertManyParams.of(args, opts).'
    : '';
}

function undecoratedSubclass(child: { name: string }, parent: { name: string }): InvalidJobError {
  return new InvalidJobError(
    `args: the class ${nameText(child.name)} has no @JobArgs of its own; that of its parent class ` +
      `${nameText(parent.name)} does not count, since a worker would decode other args. Decorate ${nameText(child.name)}.`,
    { code: 'RIVER_ARGS_UNDECORATED', field: 'args' },
  );
}

function notAFunction(insertOpts: unknown): InvalidJobError {
  return new InvalidJobError(
    `args.insertOpts: must be a method that returns the options; got ${describeValue(insertOpts)}. ` +
      'If it is meant as data of the job, decorate the class with @JobArgs.',
    { code: 'RIVER_INVALID_OPTION', field: 'args.insertOpts' },
  );
}
