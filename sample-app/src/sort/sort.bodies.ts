import { body, object, type BodyOf } from '../http/body.js';
import { integer, list, optional, text } from '../http/field.js';

/**
 * Only the form is checked here. Whether a queue's name or a priority is one that River takes, the
 * library knows best, and its answer reaches the client by the RiverErrorFilter.
 */
const strings = list(text(), 1000, { example: ['whale', 'tiger', 'bear'] });
const delayMs = optional(
  integer({ minimum: 0, maximum: 60_000 }, { description: 'How long the worker takes, at least' }),
);
const options = {
  priority: optional(integer({}, { description: '1 is worked first, 4 last' })),
  queue: optional(text({ description: 'default, slow or mail have a worker here' })),
  delay: optional(integer({}, { description: 'Milliseconds until the job may be worked' })),
  maxAttempts: optional(integer()),
  tags: optional(list(text(), 20)),
};

export const sortBody = body({ strings, delayMs, ...options });
export type SortBody = BodyOf<typeof sortBody>;

export const sortBatchBody = body({
  jobs: list(object({ strings, delayMs }), 5000),
  ...options,
});
export type SortBatchBody = BodyOf<typeof sortBatchBody>;
