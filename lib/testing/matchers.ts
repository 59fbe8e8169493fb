import type { ExpectedJob } from './expected-job.js';
import { JobRequirementError } from './failure.js';
import type { JobClass } from './job-class.js';
import type { JobSource } from './job-source.js';
import {
  requireInserted,
  requireManyInserted,
  requireNotInserted,
  type ExpectedInList,
} from './require-inserted.js';

/** The matchers on a client, an entity manager or a query runner. Await them. */
export interface RiverMatchers<R = void> {
  /** At least one job is there that is as expected; with `.not`, none. See `requireInserted`. */
  toHaveInserted<Args extends object>(
    jobClass: JobClass<Args>,
    expected?: ExpectedJob<Args>,
  ): Promise<R>;
  /** Of the kinds named exactly these jobs are there, in this order. See `requireManyInserted`. */
  toHaveInsertedMany(expected: readonly ExpectedInList[]): Promise<R>;
}

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * For `expect.extend` of Jest and of Vitest, which are not imported.
 *
 * @example
 * expect.extend(riverMatchers);
 * await expect(river).toHaveInserted(SortArgs, { priority: 3 });
 */
export const riverMatchers = {
  async toHaveInserted(
    source: JobSource,
    jobClass: JobClass,
    expected: ExpectedJob<object> = {},
  ): Promise<MatcherResult> {
    const found = await failureOf(requireNotInserted(source, jobClass, expected));
    if (found !== undefined) return { pass: true, message: () => found };
    const missing = await failureOf(requireInserted(source, jobClass, expected));
    return { pass: false, message: () => missing ?? '' };
  },

  async toHaveInsertedMany(
    source: JobSource,
    expected: readonly ExpectedInList[],
  ): Promise<MatcherResult> {
    const missing = await failureOf(requireManyInserted(source, expected));
    const found = 'Exactly these jobs were inserted, in this order, and that was not expected.';
    return { pass: missing === undefined, message: () => missing ?? found };
  },
};

/** Why a requirement does not hold. */
async function failureOf(requirement: Promise<unknown>): Promise<string | undefined> {
  try {
    await requirement;
    return undefined;
  } catch (error) {
    if (error instanceof JobRequirementError) return error.message;
    throw error;
  }
}

// Where a test framework is not installed, its declaration is ignored.
declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the form of @types/jest
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- as there
    interface Matchers<R, T = {}> extends RiverMatchers<R> {}
  }
}

/* eslint-disable @typescript-eslint/ban-ts-comment, @typescript-eslint/no-unused-vars, @typescript-eslint/no-explicit-any, @typescript-eslint/no-empty-object-type -- types of packages that may be missing */
/** @ts-ignore -- the module is missing where Jest is not installed */
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends RiverMatchers<R> {}
}

/** @ts-ignore -- the module is missing where Vitest is not installed */
declare module 'vitest' {
  interface Assertion<T = any> extends RiverMatchers {}
}
