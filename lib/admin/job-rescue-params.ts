import { milliseconds, type Checks } from '../errors/checks.js';
import { checkParams } from './check-params.js';

/** When `jobRescue` considers a running job stuck. */
export interface JobRescueParams {
  /**
   * How long ago its attempt must have begun, in **milliseconds**, 1 to 2147483647. Longer than any
   * attempt of its kind may take. Default 3600000, an hour, as River's `RescueStuckJobsAfter`.
   */
  readonly rescueAfterMs?: number | undefined;
}

const AN_HOUR_MS = 3_600_000;

/** @throws InvalidParamsError naming the parameter and its rule */
export function checkJobRescueParams(params: unknown): number {
  const checks: Checks<JobRescueParams> = { rescueAfterMs: milliseconds(1) };
  return checkParams(params, checks).rescueAfterMs ?? AN_HOUR_MS;
}
