import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { SIDES, SortArgs, type Side } from './sides.js';

describe.each(SIDES)('%s, jobRescue', (_name, start) => {
  let side: Side;
  beforeAll(async () => {
    side = await start();
  });
  afterAll(() => side.stop());
  afterEach(() => side.clear());

  async function stuck(maxAttempts = 25, metadata: object = {}): Promise<string> {
    const { job } = await side.river.insert(new SortArgs([]), { maxAttempts, metadata });
    await side.take(job.id, 'long ago');
    return job.id;
  }

  test('makes a stuck job retryable, with an error of its attempt', async () => {
    const id = await stuck();
    const rescued = await side.river.jobRescue(id);
    expect(rescued).toMatchObject({
      state: 'retryable',
      attempt: 1,
      finalizedAt: null,
      metadata: { 'river:rescue_count': 1 },
      errors: [{ attempt: 1, error: 'Stuck job rescued by JobRescuer', trace: '' }],
    });
    expect(rescued).toEqual(await side.river.jobGet(id));
    const [error] = rescued.errors;
    // One second, ten per cent more or less, and what rounding makes of it.
    const delayMs = rescued.scheduledAt.getTime() - (error?.at.getTime() ?? 0);
    expect(delayMs).toBeGreaterThan(890);
    expect(delayMs).toBeLessThan(1_110);
    await side.take(id, 'long ago');
    const again = await side.river.jobRescue(id);
    expect(again.metadata).toMatchObject({ 'river:rescue_count': 2 });
    expect(again.errors).toHaveLength(2);
  });

  test('discards one without attempts left, and cancels one that was cancelled', async () => {
    const discarded = await side.river.jobRescue(await stuck(1));
    expect(discarded).toMatchObject({ state: 'discarded', finalizedAt: expect.any(Date) });
    const id = await stuck();
    await side.river.jobCancel(id);
    expect(await side.river.jobRescue(id)).toMatchObject({
      state: 'cancelled',
      finalizedAt: expect.any(Date),
    });
    const unmarked = await stuck(25, { cancel_attempted_at: null, 'river:rescue_count': 'x' });
    expect(await side.river.jobRescue(unmarked)).toMatchObject({
      state: 'retryable',
      metadata: { cancel_attempted_at: null, 'river:rescue_count': 1 },
    });
  });

  test('leaves one that waits, and rejects one that may still be worked', async () => {
    const { job } = await side.river.insert(new SortArgs([]));
    expect(await side.river.jobRescue(job.id)).toMatchObject({ state: 'available', errors: [] });
    await side.take(job.id);
    await expect(side.river.jobRescue(job.id)).rejects.toMatchObject({
      code: 'RIVER_JOB_NOT_STUCK',
    });
  });

  test('is undone with its transaction', async () => {
    const id = await stuck();
    const undone = side.transaction.run(async (manager) => {
      expect(await side.river.jobRescueTx(manager, id)).toMatchObject({ state: 'retryable' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await side.river.jobGet(id)).toMatchObject({ state: 'running', errors: [] });
  });
});
