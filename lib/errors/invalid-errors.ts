import { refusal } from './checks.js';
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

/**
 * A call about jobs or queues was refused before anything was sent: an id, a filter, a page size, a
 * cursor. A transaction under way stays usable.
 */
export class InvalidParamsError extends RiverError {}

export const invalidParams = refusal(InvalidParamsError, 'RIVER_INVALID_PARAMS');
