/** River's own defaults and limits of a job; from the Go client and the table's constraints. */
export const DEFAULT_MAX_ATTEMPTS = 25;
export const DEFAULT_OUTSIDE_TRANSACTION = 'allow';
export const DEFAULT_PRIORITY = 1;
export const DEFAULT_QUEUE = 'default';
export const MAX_MAX_ATTEMPTS = 32_767;
export const MAX_PRIORITY = 4;
export const MAX_QUEUE_LENGTH = 64;
/** The queues of River's own pattern, in a form whose check takes no time that grows exponentially. */
const QUEUE_PATTERN = /^[a-z0-9]+(?:[_|-][a-z0-9]+)*$/;

/** Whether River's clients take the name for a queue. */
export function isQueueName(name: string): boolean {
  return name.length <= MAX_QUEUE_LENGTH && QUEUE_PATTERN.test(name);
}

export const TAG_PATTERN = /^\w[\w-]+\w$/;
export const MAX_TAG_LENGTH = 255;
export const MAX_KIND_LENGTH = 127;
/** What a timestamptz column holds, in milliseconds since 1970; a Date ends before its upper end. */
export const EARLIEST_TIME = Date.UTC(-4713, 10, 24);
