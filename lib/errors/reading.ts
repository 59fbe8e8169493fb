import { RiverError } from './river-error.js';

/** Codes of refusals: of what is wrong with a value, and not with what was done with it. */
const REFUSAL = /^RIVER_(INVALID_|ARGS_|KIND_|OTHER_COPY$)/;

/**
 * Runs code that reads what a caller gave. Getters, proxies and methods of the caller can throw
 * anything, also our errors of another call; that becomes the cause of a refusal.
 *
 * @param refuse makes the refusal, of a rule that follows the name of the field
 */
export function reading<T>(refuse: (rule: string, cause: unknown) => RiverError, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw isRefusal(cause) ? cause : refuse('reading it threw an error (see cause)', cause);
  }
}

/** Whether an error refuses a value before anything is sent. Safe for whatever can be thrown. */
export function isRefusal(error: unknown): error is RiverError {
  return RiverError.is(error) && REFUSAL.test(error.code);
}
