import { got } from '../errors/checks.js';
import { invalidParams } from '../errors/invalid-errors.js';
import { getOwnJobArgsMetadata } from '../job/job-args-metadata.js';

/**
 * The id of a job: the decimal digits that a {@link JobRow} has and that a controller is sent, a
 * bigint, or a number that is exact.
 */
export type JobId = bigint | number | string;

const MAX_ID = 2n ** 63n - 1n;

/**
 * @returns the id as Postgres prints it
 * @throws InvalidParamsError when the value cannot be the id of a job
 */
export function checkJobId(value: unknown, field = 'id'): string {
  const id = toBigint(value);
  if (id !== undefined && id >= 1n && id <= MAX_ID) return id.toString();
  const rule =
    'must be the id of a job: an integer from 1 to 2^63-1, as a string of its digits, a bigint, or a safe integer';
  throw invalidParams(field, got(rule, value));
}

function toBigint(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
}

/** @throws InvalidParamsError when it is not a class that `@JobArgs` decorates itself */
export function kindOfClass(argsClass: unknown): string {
  const metadata = typeof argsClass === 'function' ? getOwnJobArgsMetadata(argsClass) : undefined;
  if (metadata !== undefined) return metadata.kind;
  throw invalidParams('argsClass', got('must be a class decorated with @JobArgs', argsClass));
}
