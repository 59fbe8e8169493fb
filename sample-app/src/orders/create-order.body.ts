import { z } from 'zod';

export const createOrderBody = z.strictObject({
  email: z.email().meta({ example: 'ada@example.com' }),
  items: z
    .array(
      z.strictObject({
        sku: z.string().meta({ example: 'whale-plush' }),
        quantity: z.int().min(1).max(99).meta({ example: 2 }),
      }),
    )
    .min(1)
    .max(20),
  failAfterInsert: z.boolean().optional().meta({
    description: 'Throw when the order and its jobs are inserted, to see that nothing remains',
    example: false,
  }),
});
export type CreateOrderBody = z.infer<typeof createOrderBody>;
