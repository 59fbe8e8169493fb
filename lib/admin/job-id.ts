import { invalidParams } from '../errors/invalid-params-error.js';

/**
 * The id of a job, as a {@link JobRow} has it, as a number that is exact, or in decimal digits, as a
 * row is printed to JSON.
 */
export type JobId = bigint | number | string;

const MAX_ID = 2n ** 63n - 1n;

/** @throws InvalidParamsError when the value cannot be the id of a job */
export function checkJobId(value: unknown, field = 'id'): bigint {
  const id = toBigint(value);
  if (id !== undefined && id >= 1n && id <= MAX_ID) return id;
  throw invalidParams(
    field,
    'must be the id of a job: an integer from 1 to 2^63-1, as a bigint, a safe integer, or a string of its digits',
    value,
  );
}

function toBigint(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
}
