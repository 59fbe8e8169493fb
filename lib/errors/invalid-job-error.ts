import type { RiverErrorCode } from './error-code.js';
import { RiverError } from './river-error.js';

/**
 * A job was refused before anything was sent: its args, its kind, or one of its options. A
 * transaction under way stays usable, and a batch with one such job inserts nothing.
 */
export class InvalidJobError extends RiverError {
  /** The same refusal, told as that of the job at `index` of a batch. */
  at(index: number): InvalidJobError {
    return new InvalidJobError(`jobs[${index}]: ${this.message}`, {
      code: this.code,
      field: this.field,
      index,
      cause: this.cause,
    });
  }
}

/** The refusal of a part of a job that threw an error when it was read. */
export function unreadable(field: string, code: RiverErrorCode) {
  return (rule: string, cause: unknown): InvalidJobError =>
    new InvalidJobError(`${field}: ${rule}.`, { code, field, cause });
}
