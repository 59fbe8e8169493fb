import { FACTS_VERSION, requireFactsVersion } from './facts-version.js';

// Symbol.for, so that a class decorated by another installed copy of this package is understood.
const JOB_ARGS = Symbol.for('nestjs-river.JobArgs');

/** A class whose instances are the args of a job. */
export type ArgsClass<Args extends object = object> = abstract new (...args: never[]) => Args;

/** What `@JobArgs` says of a class. */
export interface JobArgsMetadata {
  readonly kind: string;
  /** The options of the decorator, as checked when it ran (`CheckedInsertOpts`). */
  readonly defaults: object;
}

export function setJobArgsMetadata(target: ArgsClass, metadata: JobArgsMetadata): void {
  const value = { ...metadata, version: FACTS_VERSION };
  Object.defineProperty(target, JOB_ARGS, { value, configurable: true });
}

/** The metadata of this very class; that of a parent class does not count. */
export function getOwnJobArgsMetadata(target: object): JobArgsMetadata | undefined {
  if (!Object.hasOwn(target, JOB_ARGS)) return undefined;
  const metadata = (target as { [JOB_ARGS]?: JobArgsMetadata & { version?: number } })[JOB_ARGS];
  requireFactsVersion(metadata?.version, (target as { name?: unknown }).name);
  return metadata;
}

/** The nearest parent class that is decorated. */
export function decoratedParentOf(target: object): { readonly name: string } | undefined {
  let parent: unknown = Object.getPrototypeOf(target);
  while (typeof parent === 'function') {
    if (getOwnJobArgsMetadata(parent) !== undefined) return parent;
    parent = Object.getPrototypeOf(parent);
  }
  return undefined;
}
