import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as ours from 'nestjs-river';
import { startClient, storedJobs, type StartedClient } from '../client/started-client.js';
import { queryAll } from '../support/index.js';
import { installCopy, type InstalledCopy } from './installed-copy.js';

let client: StartedClient;
let copy: InstalledCopy;
let theirs: InstalledCopy['river'];
beforeAll(async () => {
  client = await startClient();
  copy = await installCopy();
  theirs = copy.river;
});
beforeEach(() => queryAll(client.database, 'truncate river_job'));
afterAll(async () => {
  await client.stop();
  await copy.remove();
});

/** What was inserted by `insert` with the functions and decorators of each copy, the same twice. */
async function withEach(
  insert: (copy: typeof ours) => Promise<unknown>,
): Promise<{ ours: unknown; theirs: unknown }> {
  const stored = async (of: typeof ours): Promise<unknown> => {
    await queryAll(client.database, 'truncate river_job');
    await insert(of);
    return (await storedJobs(client.database)).map(
      ({ id: _id, created_at: _created, scheduled_at: _scheduled, ...job }) => job,
    );
  };
  return { ours: await stored(ours), theirs: await stored(theirs) };
}

describe('values of another installed copy are stored as our own:', () => {
  const texts = async (): Promise<unknown> =>
    (await queryAll(client.database, 'select args::text as args from river_job order by id')).map(
      ({ args }) => args as unknown,
    );

  test('args of a decorated class, with its options and marks', async () => {
    const { ours: own, theirs: other } = await withEach(async ({ JobArgs, UniqueArg }) => {
      @JobArgs('decorated', {
        queue: 'slow',
        priority: 3,
        tags: ['tag'],
        uniqueOpts: { byArgs: true },
      })
      class Decorated {
        @UniqueArg()
        readonly id = 7;
        readonly other = 'x';
      }
      await client.river.insert(new Decorated());
    });
    expect(other).toEqual(own);
    expect(other).toMatchObject([{ queue: 'slow', priority: 3, tags: ['tag'] }]);
  });

  test('rawJson, as the args and inside them', async () => {
    await client.river.insert(ours.jobArgs('raw', { price: theirs.rawJson('1.50') }));
    await client.river.insert(ours.jobArgs('raw', theirs.rawJson('{"price": 1.50}')));
    await client.river.insertManyFast([ours.jobArgs('raw', { price: theirs.rawJson('1.50') })]);
    expect(await texts()).toEqual(Array(3).fill('{"price": 1.50}'));
  });

  test('jobArgs, whose payload decides with its own toJSON()', async () => {
    class Payload {
      toJSON(): object {
        return { n: 1 };
      }
    }
    const { ours: own, theirs: other } = await withEach(async ({ jobArgs }) => {
      await client.river.insert(jobArgs('payload', new Payload()), {
        uniqueOpts: { byArgs: ['n'] },
      });
      // No class claims this kind.
      await client.river.insert(ours.jobArgs('payload', { n: 2 }));
      await client.river.insert(jobArgs('nested', { payload: jobArgs('inner', new Payload()) }));
    });
    expect(other).toEqual(own);
  });

  test('InsertManyParams, with their options', async () => {
    const { ours: own, theirs: other } = await withEach(({ InsertManyParams }) =>
      client.river.insertMany([InsertManyParams.of(ours.jobArgs('many', {}), { queue: 'slow' })]),
    );
    expect(other).toEqual(own);
    expect(other).toMatchObject([{ queue: 'slow' }]);
    expect(theirs.InsertManyParams.of({})).toBeInstanceOf(ours.InsertManyParams);
  });

  test('a row, of which the end is waited for', async () => {
    const { job } = await client.river.insert(ours.jobArgs('row', {}));
    expect(job).toBeInstanceOf(theirs.JobRow);
    await expect(client.river.waitFor(job, { timeoutMs: 1 })).rejects.toBeInstanceOf(
      theirs.WaitTimeoutError,
    );
  });
});

describe('what merely looks like rawJson of another copy', () => {
  test.each<[string, object]>([
    ['with a text that is not JSON', { text: '{' }],
    ['without a text', {}],
  ])('%s is rejected', async (_what, fields) => {
    const fake = { ...fields, [Symbol.for('nestjs-river.RawJson')]: true };
    await expect(client.river.insert(ours.jobArgs('raw', { fake }))).rejects.toMatchObject({
      code: 'RIVER_ARGS_NOT_JSON',
    });
    expect(await storedJobs(client.database)).toEqual([]);
  });
});

describe('an error of another copy', () => {
  test('is an instance of our class of the same name, and of its bases', () => {
    const error: unknown = new theirs.JobNotFoundError('1');
    expect(error).toBeInstanceOf(ours.JobNotFoundError);
    expect(error).toBeInstanceOf(ours.RiverError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ours.DatabaseError);
    expect(new theirs.TransactionEndedError('x')).toBeInstanceOf(ours.RiverTransactionError);
    expect(new ours.DatabaseError('x', new Error('no'))).toBeInstanceOf(theirs.DatabaseError);
  });

  test('is told apart from errors of applications', () => {
    class DatabaseError extends ours.RiverError {}
    const error: unknown = new DatabaseError('x', { code: 'RIVER_DATABASE' });
    expect(error).toBeInstanceOf(ours.RiverError);
    expect(error).not.toBeInstanceOf(ours.DatabaseError);
    expect(new Error('x')).not.toBeInstanceOf(ours.RiverError);
    for (const value of [null, undefined, 'x', {}])
      expect(value instanceof ours.RiverError).toBe(false);
  });

  test('is not wrapped', async () => {
    const args = {
      kind: 'thrower',
      toJSON(): never {
        throw new theirs.InvalidJobError('args: no.', {
          code: 'RIVER_ARGS_NOT_JSON',
          field: 'args',
        });
      },
    };
    await expect(client.river.insertMany([args])).rejects.toMatchObject({
      message: 'jobs[0]: args: no.',
      index: 0,
    });
  });
});

test('classes decorated by a copy of another form are rejected', async () => {
  const other = await installCopy([
    'job/facts-version.js',
    (text) => text.replace('FACTS_VERSION = 1', 'FACTS_VERSION = 2'),
  ]);
  const { JobArgs, UniqueArg } = other.river;
  @JobArgs('newer')
  class Newer {}
  class Marked {
    readonly kind = 'marked';
    @UniqueArg()
    readonly id = 7;
  }
  for (const [args, name] of [
    [new Newer(), 'Newer'],
    [new Marked(), 'Marked'],
  ] as const) {
    const error: unknown = await client.river
      .insert(args, { uniqueOpts: { byArgs: true } })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'RIVER_OTHER_COPY', field: 'args' });
    expect((error as Error).message).toContain(name);
  }
  await other.remove();
});
