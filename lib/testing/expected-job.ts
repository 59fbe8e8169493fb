import { isDeepStrictEqual } from 'node:util';
import type { JobRow } from '../job/row/job-row.js';
import type { JobState } from '../job/row/job-state.js';
import type { Jsonify } from '../job/row/jsonify.js';

/** Some properties of a value, at any depth. Lists are compared whole. */
export type PartOf<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: PartOf<T[K]> | undefined }
    : T;

/**
 * What a job is expected to be like; what is left out is not compared. Matchers of Jest and Vitest
 * (`expect.any(String)`) may take the place of any value.
 */
export interface ExpectedJob<Args = unknown> {
  /** Some properties of the args, as JSON gives them back. */
  readonly args?: PartOf<Jsonify<Args>> | undefined;
  readonly maxAttempts?: number | undefined;
  /** Some properties of the metadata. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly priority?: number | undefined;
  readonly queue?: string | undefined;
  readonly scheduledAt?: Date | undefined;
  readonly state?: JobState | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** One property that is not as expected. */
export interface Difference {
  /** `priority`, `args.customer.id` */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

const PROPERTIES: Readonly<Record<keyof ExpectedJob, true>> = {
  args: true,
  maxAttempts: true,
  metadata: true,
  priority: true,
  queue: true,
  scheduledAt: true,
  state: true,
  tags: true,
};

/** @throws TypeError where something is expected that is not compared */
export function checkExpected(expected: unknown): asserts expected is ExpectedJob {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) {
    throw new TypeError('What is expected of a job must be an object, such as { priority: 3 }.');
  }
  const stray = Object.keys(expected).find((name) => !Object.hasOwn(PROPERTIES, name));
  if (stray === undefined) return;
  throw new TypeError(
    `${stray}: cannot be expected of a job. The properties are ${Object.keys(PROPERTIES).join(', ')}.`,
  );
}

/** In what a job differs from what is expected. */
export function differences(job: JobRow, expected: ExpectedJob): Difference[] {
  return Object.entries(expected).flatMap(([name, value]) =>
    value === undefined ? [] : compare(name, value, job[name as keyof ExpectedJob]),
  );
}

function compare(path: string, expected: unknown, actual: unknown): Difference[] {
  if (isMatcher(expected)) {
    return expected.asymmetricMatch(actual) ? [] : [{ path, expected, actual }];
  }
  if (isPlain(expected) && isPlain(actual)) {
    return Object.entries(expected).flatMap(([key, value]) =>
      value === undefined ? [] : compare(`${path}.${key}`, value, actual[key]),
    );
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return expected.flatMap((value, index) => compare(`${path}.${index}`, value, actual[index]));
  }
  return isDeepStrictEqual(expected, actual) ? [] : [{ path, expected, actual }];
}

/** A matcher such as `expect.any(String)`, by shape, so that no test framework is imported. */
function isMatcher(value: unknown): value is { asymmetricMatch(actual: unknown): boolean } {
  return typeof (Object(value) as { asymmetricMatch?: unknown }).asymmetricMatch === 'function';
}

/** Instances of classes included: args are often written as one. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}
