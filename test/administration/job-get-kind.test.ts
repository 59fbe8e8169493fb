import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobArgs, jobArgs, JobKindError } from 'nestjs-river';
import { startClient, type StartedClient } from '../client/started-client.js';

@JobArgs('sort')
class SortArgs {
  constructor(readonly strings: string[]) {}
}

@JobArgs('mail')
class MailArgs {
  constructor(readonly to: string) {}
}

class UndecoratedArgs extends SortArgs {}

let client: StartedClient;
let id: string;
beforeAll(async () => {
  client = await startClient();
  ({ id } = (await client.river.insert(new SortArgs(['whale']))).job);
});
afterAll(() => client.stop());

describe('jobGet with the class of the args', () => {
  test('returns a job of the kind of the class', async () => {
    const job = await client.river.jobGet(id, SortArgs);
    expect(job.args.strings).toEqual(['whale']);
  });

  test('returns a job that was inserted by its kind, without the class', async () => {
    const { job } = await client.river.insert(jobArgs('mail', { to: 'ann' }));
    expect((await client.river.jobGet(job.id, MailArgs)).args.to).toBe('ann');
  });

  test('rejects a job of another kind', async () => {
    const error = await client.river.jobGet(id, MailArgs).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(JobKindError);
    expect(error).toMatchObject({
      code: 'RIVER_JOB_KIND',
      field: 'argsClass',
      id,
      message: expect.stringContaining(`Job ${id} is of kind 'sort', not 'mail'`) as unknown,
    });
  });

  test('rejects a job of another kind in a transaction, which stays usable', async () => {
    await client.dataSource.transaction(async (tx) => {
      const read = client.river.jobGetTx(tx, id, MailArgs);
      await expect(read).rejects.toMatchObject({ code: 'RIVER_JOB_KIND' });
      expect((await client.river.jobGetTx(tx, id, SortArgs)).id).toBe(id);
    });
  });

  test.each([
    ['a class without a decorator of its own', UndecoratedArgs],
    ['an instance', new SortArgs([])],
    ['null', null],
  ] as const)('rejects %s before anything is sent', async (_what, argsClass) => {
    const read = client.river.jobGet(id, argsClass as never);
    await expect(read).rejects.toMatchObject({
      code: 'RIVER_INVALID_PARAMS',
      field: 'argsClass',
    });
  });
});
