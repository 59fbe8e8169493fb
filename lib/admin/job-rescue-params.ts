import { invalidParams } from '../errors/invalid-errors.js';
import { givenParams } from './check-params.js';

/** When `jobRescue` considers a running job stuck. */
export interface JobRescueParams {
  /**
   * How long ago its attempt must have begun, in **milliseconds**, 1 to 2147483647. Longer than any
   * attempt of its kind may take. Default 3600000, an hour, as River's `RescueStuckJobsAfter`.
   */
  readonly rescueAfterMs?: number | undefined;
}

const AN_HOUR_MS = 3_600_000;
const MAX_MS = 2_147_483_647;

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobRescueParams(params: unknown): number {
  const { rescueAfterMs = AN_HOUR_MS } = givenParams(params, ['rescueAfterMs']);
  if (
    Number.isInteger(rescueAfterMs) &&
    (rescueAfterMs as number) >= 1 &&
    (rescueAfterMs as number) <= MAX_MS
  ) {
    return rescueAfterMs as number;
  }
  throw invalidParams(
    'rescueAfterMs',
    `must be an integer from 1 to ${MAX_MS}, in milliseconds`,
    rescueAfterMs,
  );
}
