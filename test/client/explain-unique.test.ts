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

  test.each([
    ['the order of nested keys', { at: { id: 1, name: 'a' } }, { at: { name: 'a', id: 1 } }, true],
    [
      "Go's spelling of a time",
      { id: 1, at: new Date('2026-11-21T10:07:33.500Z') },
      { id: 1, at: '2026-11-21T11:07:33.5+01:00' },
      ['at'],
    ],
  ] as const)('shows a job whose key differs by %s', async (kind, first, second, byArgs) => {
    const opts = { uniqueOpts: { byArgs } };
    const { job } = await client.river.insert(jobArgs(kind, first), opts);
    const answer = await client.river.explainUnique(jobArgs(kind, second), opts);
    expect(answer.blockedBy).toBeUndefined();
    expect(answer.sameValues?.id).toBe(job.id);
    expect(answer.reason).toContain(
      `Job ${job.id} (state available) has the same values in its args`,
    );
    expect(await client.river.explainUnique(jobArgs(kind, first), opts)).toMatchObject({
      blockedBy: { id: job.id },
      sameValues: undefined,
    });
  });

  test('shows no job of other values as one of the same', async () => {
    const opts = { uniqueOpts: { byArgs: true } };
    await client.river.insert(jobArgs('values', { at: { id: 1 } }), opts);
    const answer = await client.river.explainUnique(jobArgs('values', { at: { id: 2 } }), opts);
    expect(answer.sameValues).toBeUndefined();
    expect(answer.reason).not.toContain('same values');
  });

  test('shows no job of another period as one of the same values', async () => {
    const opts = { uniqueOpts: { byArgs: true, byPeriod: 60 } };
    const at = (minute: number) => ({ scheduledAt: new Date(Date.UTC(2026, 10, 21, 10, minute)) });
    await client.river.insert(jobArgs('minutely', { id: 1 }), { ...opts, ...at(1) });
    const answer = await client.river.explainUnique(jobArgs('minutely', { id: 1 }), {
      ...opts,
      ...at(2),
    });
    expect(answer.sameValues).toBeUndefined();
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
