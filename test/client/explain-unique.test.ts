import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JobArgs, jobArgs, type JobState } from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

@JobArgs('sort', { uniqueOpts: { byArgs: true } })
class SortArgs {
  constructor(readonly strings: string[]) {}
}

let client: StartedClient;
beforeAll(async () => {
  client = await startClient();
});
afterAll(() => client.stop());

describe('explainUnique', () => {
  test('tells the key, the states and the path, and that nothing stands in the way', async () => {
    const answer = await client.river.explainUnique(new SortArgs(['whale', 'tiger', 'bear']));
    const keyText = '&kind=sort&args={"strings":["whale","tiger","bear"]}';
    expect(answer).toMatchObject({
      path: 'index',
      keyText,
      keyHash: createHash('sha256').update(keyText).digest('hex'),
      states: ['scheduled', 'running', 'retryable', 'pending', 'completed', 'available'],
      blockedBy: undefined,
    });
    expect(answer.keyHash).toMatch(/^7631da30ce3c/);
    expect(answer.reason).toMatch(/would be inserted/);
    expect(await countJobs(client.database)).toBe(0);
  });

  test('shows the row in the way, and why', async () => {
    const { job } = await client.river.insert(new SortArgs(['a']));
    const answer = await client.river.explainUnique(new SortArgs(['a']));
    expect(answer.blockedBy?.id).toBe(job.id);
    expect(answer.reason).toContain(
      `Job ${job.id} (kind sort, state available) has the same unique key`,
    );
    await queryAll(
      client.database,
      `update river_job set state = 'cancelled', finalized_at = now() where id = ${job.id}`,
    );
    expect((await client.river.explainUnique(new SortArgs(['a']))).blockedBy).toBeUndefined();
  });

  test('explains the lock path', async () => {
    const opts = { uniqueOpts: { byArgs: true, byState: ['available'] satisfies JobState[] } };
    const { job } = await client.river.insert(jobArgs('locked', { n: 1 }), opts);
    const answer = await client.river.explainUnique(jobArgs('locked', { n: 1 }), opts);
    expect(answer).toMatchObject({
      path: 'lock',
      states: ['available'],
      blockedBy: { id: job.id },
    });
    expect(answer.reason).toContain('equal in what was asked for');
  });

  test('says so when the job is not unique', async () => {
    const answer = await client.river.explainUnique(jobArgs('plain', {}));
    expect(answer).toMatchObject({ path: 'none', keyText: '', keyHash: '', states: [] });
    expect(answer.reason).toMatch(/not unique/);
  });

  test('asks in the transaction that the code is in', async () => {
    await client.transaction.run(async () => {
      const { job } = await client.river.insert(new SortArgs(['uncommitted']));
      const inside = await client.river.explainUnique(new SortArgs(['uncommitted']));
      expect(inside.blockedBy?.id).toBe(job.id);
    });
  });
});
