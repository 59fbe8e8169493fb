import { describe, expect, test } from '@jest/globals';
import { Work } from '../../../decorators/worker/work.decorator.js';
import type { WorkedJob } from '../../../lib/worker/attempt/job.js';
import type { StandardSchema } from '../../../lib/worker/handlers/worker-metadata.js';
import { complete, type Outcome } from '../../../lib/worker/outcome/outcome.js';
import { explore, jobOf, work } from './explored.js';

interface Order {
  readonly id: number;
}

/** As Zod, Valibot and ArkType validate. */
function schemaOf(validate: StandardSchema<Order>['~standard']['validate']): StandardSchema<Order> {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

const numbers = schemaOf((value) => {
  const { id } = value as { id: unknown };
  if (!Number.isNaN(Number(id))) return { value: { id: Number(id) } };
  return {
    issues: [
      { message: `secret is not a number`, path: ['order', { key: 'id' }] },
      { message: 'of the whole' },
      { message: 'again', path: ['order', 'id'] },
    ],
  };
});

class Jobs {
  @Work('by_schema', { schema: numbers })
  bySchema({ args }: WorkedJob<Order>): Outcome {
    return complete(args.id + 1);
  }

  @Work('by_async_schema', {
    schema: schemaOf((value) => Promise.resolve({ value: value as Order })),
  })
  byAsyncSchema({ args }: WorkedJob<Order>): Outcome {
    return complete(args.id + 1);
  }

  @Work('by_function', { decode: (args): Order => ({ id: Number((args as Order).id) }) })
  byFunction({ args }: WorkedJob<Order>): Outcome {
    return complete(args.id + 1);
  }
}

describe('the args of a method', () => {
  test.each(['by_schema', 'by_function'])('are what %s makes of them', async (kind) => {
    const explored = await explore({ providers: [Jobs] });
    await expect(work(explored, kind, jobOf({ id: '41' }))).resolves.toMatchObject({ output: 42 });
  });

  test('may be made by a promise', async () => {
    const explored = await explore({ providers: [Jobs] });
    const outcome = work(explored, 'by_async_schema', jobOf({ id: 41 }));
    await expect(outcome).resolves.toMatchObject({ output: 42 });
  });

  test('that do not match fail the attempt by an error that names the fields and no value', async () => {
    const explored = await explore({ providers: [Jobs] });
    const outcome = work(explored, 'by_schema', jobOf({ id: 'secret' }));
    await expect(outcome).rejects.toMatchObject({
      code: 'RIVER_UNWORKABLE_JOB',
      message: 'the args do not match the schema of the handler: args.order.id, args',
    });
  });

  test('are decoded by one of the two options', async () => {
    class Both {
      @Work('both', { schema: numbers, decode: (args: unknown) => args as Order })
      run(): void {}
    }
    await expect(explore({ providers: [Both] })).rejects.toThrow('Both.run: schema: give either');
  });

  test('are decoded by a schema that follows the standard', async () => {
    class Odd {
      @Work('odd', { schema: { parse: () => 1 } as unknown as StandardSchema })
      run(): void {}
    }
    await expect(explore({ providers: [Odd] })).rejects.toThrow(
      'Odd.run: schema: must be a schema',
    );
  });
});
