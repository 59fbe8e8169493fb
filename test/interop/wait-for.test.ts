import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  JobCancelledError,
  JobDiscardedError,
  jobArgs,
  WaitTimeoutError,
  type RiverClient,
} from 'nestjs-river';
import { SCHEMAS, useTwoSides, type TwoSides } from './support/two-sides.js';
import { describeWithGo } from './support/toolchain.js';

/** What `test/interop/go/telling.go` reads. */
interface Telling {
  readonly output?: unknown;
  readonly error?: string;
  readonly cancel?: string;
  readonly workMs?: number;
}

const sort = (worker: Telling): object => jobArgs('sort', { worker });

describeWithGo('a Go worker that is waited for', () => {
  let sides: TwoSides;
  useTwoSides((opened) => (sides = opened));

  describe.each(SCHEMAS)('in %s', (schema) => {
    let worker: string;
    let river: RiverClient;

    beforeAll(async () => {
      ({ river } = sides.app(schema));
      worker = await sides.go.work({ schema, kinds: ['sort'], pollIntervalMs: 100 });
    }, 60_000);

    afterAll(async () => {
      await sides.go.stopWork(worker);
    });

    test.each([
      [{ sorted: ['bear', 'whale'], count: 2 }],
      [['a', 'b']],
      ['text with <&> and \u2028'],
      [0],
      [false],
      [null],
    ])('answers with the output that it records: %p', async (output) => {
      const { job, output: received } = await river.insertAndWait(sort({ output }));
      expect(received).toEqual(output);
      expect(job).toMatchObject({ state: 'completed', attempt: 1 });
      expect(job.attemptedBy).toHaveLength(1);
    });

    test('answers without an output when it records none', async () => {
      const { job } = await river.insert(sort({}));
      expect(await river.waitFor(job)).toMatchObject({ output: undefined });
    });

    test('cancels a job', async () => {
      const waiting = river.insertAndWait(sort({ cancel: 'not wanted', output: 'so far' }));
      const error = await waiting.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(JobCancelledError);
      const { message, job } = error as JobCancelledError;
      expect(message).toMatch(
        /^Job \d+ \(kind sort\) was cancelled after 1 of at most 25 attempts\. Attempt 1 at 2\S+Z: JobCancelError: not wanted\.$/,
      );
      expect(job.metadata['output']).toBe('so far');
    });

    test('discards a job after its attempts', async () => {
      const waiting = river.insertAndWait(sort({ error: 'disk full' }), { maxAttempts: 2 });
      const error = await waiting.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(JobDiscardedError);
      const { message, job } = error as JobDiscardedError;
      expect(message).toMatch(
        /was discarded after 2 of at most 2 attempts\. Attempt 2 at \S+: disk full\. Attempt 1 at \S+: disk full\.$/,
      );
      expect(job.errors).toMatchObject([
        { attempt: 1, error: 'disk full' },
        { attempt: 2, error: 'disk full' },
      ]);
    });

    test('takes longer than somebody waits, and goes on', async () => {
      const { job } = await river.insert(sort({ workMs: 700, output: 'at last' }));
      const error = await river.waitFor(job, { timeoutMs: 300 }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WaitTimeoutError);
      expect((error as WaitTimeoutError).job).toMatchObject({ state: 'running', attempt: 1 });
      expect(await river.waitFor(job)).toMatchObject({ output: 'at last' });
    });

    test('answers several hundred waits', async () => {
      const waits = Array.from({ length: 300 }, (_, output) =>
        river.insertAndWait(sort({ output }), {}, { timeoutMs: 60_000 }),
      );
      const outputs = (await Promise.all(waits)).map(({ output }) => output);
      expect(outputs).toEqual(Array.from({ length: 300 }, (_, index) => index));
    }, 60_000);
  });
});
