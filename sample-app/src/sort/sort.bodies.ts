import { z } from 'zod';

/**
 * Only the form is checked here. Whether a queue's name or a priority is one that River takes, the
 * library checks, and its error reaches the client by the RiverErrorFilter.
 */
const strings = z
  .array(z.string())
  .min(1)
  .max(1000)
  .meta({ example: ['whale', 'tiger', 'bear'] });
const delayMs = z
  .int()
  .min(0)
  .max(60_000)
  .optional()
  .meta({ description: 'How long the worker takes, at least' });
const options = {
  priority: z.int().optional().meta({ description: '1 is worked first, 4 last' }),
  queue: z
    .string()
    .optional()
    .meta({ description: 'default and mail are worked in Nest, default and slow in Go' }),
  delay: z.int().optional().meta({ description: 'Milliseconds until the job may be worked' }),
  maxAttempts: z.int().optional(),
  tags: z.array(z.string()).min(1).max(20).optional(),
};

export const sortBody = z.strictObject({ strings, delayMs, ...options });
export type SortBody = z.infer<typeof sortBody>;

export const sortBatchBody = z.strictObject({
  jobs: z.array(z.strictObject({ strings, delayMs })).min(1).max(5000),
  ...options,
});
export type SortBatchBody = z.infer<typeof sortBatchBody>;
