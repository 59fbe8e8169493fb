import { body, object, type BodyOf } from '../http/body.js';
import { flag, integer, list, optional, text, textLike } from '../http/field.js';

export const createOrderBody = body({
  email: textLike(/^[^\s@]+@[^\s@]+$/, 'an e-mail address', { example: 'ada@example.com' }),
  items: list(
    object({
      sku: text({ example: 'whale-plush' }),
      quantity: integer({ minimum: 1, maximum: 99 }, { example: 2 }),
    }),
    20,
  ),
  failAfterInsert: optional(
    flag({
      description: 'Throw when the order and its jobs are inserted, to see that nothing remains',
      example: false,
    }),
  ),
});
export type CreateOrderBody = BodyOf<typeof createOrderBody>;
