import { InvalidJobError } from '../../lib/errors/invalid-errors.js';

/** The refusal that a call is expected to throw; whatever else it throws passes through. */
export function refusalOf(call: () => unknown): InvalidJobError {
  try {
    call();
  } catch (error) {
    if (error instanceof InvalidJobError) return error;
    throw error;
  }
  throw new Error('expected a refusal, but nothing was thrown');
}
