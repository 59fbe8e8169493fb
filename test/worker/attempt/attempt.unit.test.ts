import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  AttemptCancelledError,
  JobAttemptFinishedError,
  JobTimeoutError,
} from '../../../lib/errors/worker-errors.js';
import { Attempt, type AttemptParts } from '../../../lib/worker/attempt/attempt.js';
import { AttemptJob } from '../../../lib/worker/attempt/attempt-job.js';
import { CurrentJob } from '../../../lib/worker/attempt/current-job.js';
import type { WorkedJob } from '../../../lib/worker/attempt/job.js';
import { nextTurn } from '../../../lib/real-time.js';
import type { SetState } from '../../../lib/worker/outcome/set-state.js';
import { handler, Gate, type Work } from '../queue/opened-queue.js';

const ROW = { id: '7', kind: 'k', args: '{"n":1}', attempt: '1', max_attempts: '25' };

beforeEach(() => {
  for (const level of ['warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
});
afterEach(() => void jest.restoreAllMocks());

interface Ran {
  readonly attempt: Attempt;
  readonly stored: Promise<SetState>;
  freed: number;
}

function run(
  work: Work | undefined,
  {
    options,
    decode,
    ...parts
  }: Partial<Omit<AttemptParts, 'options'>> & {
    options?: Partial<AttemptParts['options']>;
    decode?: (args: unknown) => unknown;
  } = {},
): Ran {
  const job = new AttemptJob(ROW, { queue: 'default', clientId: 'c' });
  const stored = new Promise<SetState>((resolve) => {
    parts = { store: resolve, ...parts };
  });
  const attempt = new Attempt(
    job,
    {
      options: {
        jobTimeoutMs: false,
        stuckAfterMs: 1,
        retryPolicy: undefined,
        onError: undefined,
        onStuck: undefined,
        ...options,
      },
      findHandler: () => work && handler('k', work, { decode }),
      middleware: [],
      inTransaction: () => Promise.reject(new Error('not in this test')),
      report: undefined,
      ended: () => undefined,
      ...(parts as Pick<AttemptParts, 'store'>),
    },
    { onFree: () => ran.freed++, onDone: () => undefined },
  );
  const ran: Ran = { attempt, stored, freed: 0 };
  void attempt.run();
  return ran;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

describe('an attempt', () => {
  test('goes through the middleware, then decodes, then begins its time limit', async () => {
    const order: string[] = [];
    const around = (name: string) => ({
      async around(_: WorkedJob, next: () => Promise<unknown>) {
        order.push(`${name} begins`);
        const result = await next();
        order.push(`${name} ends`);
        return result;
      },
    });
    const { stored } = run(({ args }) => void order.push(`works ${JSON.stringify(args)}`), {
      middleware: [around('outer'), around('inner')],
      decode: (args) => {
        order.push('decodes');
        return [args];
      },
    });
    await expect(stored).resolves.toMatchObject({ state: 'completed' });
    expect(order).toEqual([
      'outer begins',
      'inner begins',
      'decodes',
      'works [{"n":1}]',
      'inner ends',
      'outer ends',
    ]);
  });

  test('of a kind without a handler fails with the text of River', async () => {
    const { error } = await run(undefined).stored;
    expect(error).toContain("job kind is not registered in the client's Workers bundle: k");
  });

  test('is aborted at its time limit, and completes if it succeeds nevertheless', async () => {
    let reason: unknown;
    const work = async ({ signal }: WorkedJob): Promise<void> => {
      await aborted(signal);
      reason = signal.reason;
    };
    const { stored } = run(work, { options: { jobTimeoutMs: 1, stuckAfterMs: 60_000 } });
    await expect(stored).resolves.toMatchObject({ state: 'completed' });
    expect(reason).toBeInstanceOf(JobTimeoutError);
  });

  test('that is stuck may give its slot away, once', async () => {
    const stuck = new Gate();
    const release = new Gate();
    const ran = run(() => release.passed, {
      options: {
        jobTimeoutMs: 1,
        onStuck: () => {
          setImmediate(stuck.open);
          return 'addSlot';
        },
      },
    });
    await stuck.passed;
    expect(ran.freed).toBe(1);
    release.open();
    await ran.stored;
    expect(ran.freed).toBe(1);
  });

  test('keeps the first reason of its signal', async () => {
    const ran = run(async ({ signal }) => {
      await aborted(signal);
      throw signal.reason as Error;
    });
    ran.attempt.abort('cancel', new AttemptCancelledError());
    ran.attempt.abort('timeout', new JobTimeoutError(1));
    const { state, error } = await ran.stored;
    expect(state).toBe('cancelled');
    expect(error).toContain('JobCancelError: job cancelled remotely');
  });

  test('that is cancelled after its time limit is cancelled, with the text of River', async () => {
    const cancelled = new Gate();
    const ran = run(
      async ({ signal }) => {
        await aborted(signal);
        await cancelled.passed;
        throw signal.reason as Error;
      },
      { options: { jobTimeoutMs: 1, stuckAfterMs: 60_000 } },
    );
    await aborted(ran.attempt.job.signal);
    ran.attempt.abort('cancel', new AttemptCancelledError());
    cancelled.open();
    const { state, error } = await ran.stored;
    expect(state).toBe('cancelled');
    expect(error).toContain('JobCancelError: job cancelled remotely');
    expect(ran.attempt.job.signal.reason).toBeInstanceOf(JobTimeoutError);
  });

  test('aborts after its end what it has left behind', async () => {
    let signal: AbortSignal | undefined;
    await run((job) => void (signal = job.signal)).stored;
    expect(signal?.reason).toBeInstanceOf(JobAttemptFinishedError);
  });

  test('fails by metadata that JSON cannot hold', async () => {
    const { state, metadata } = await run((job) => job.setMetadata('n', Number.NaN)).stored;
    expect({ state, metadata }).toEqual({ state: 'available', metadata: undefined });
  });

  test('stores what it has set in the metadata when it fails', async () => {
    const { metadata, state } = await run((job) => {
      job.setMetadata('sent', 3);
      job.recordOutput({ id: 1 });
      throw new Error('x');
    }).stored;
    expect(state).toBe('available');
    expect(JSON.parse(metadata ?? '')).toEqual({ sent: 3, output: { id: 1 } });
  });

  test('fails in the ordinary way when a policy throws what cannot be shown', async () => {
    const hostile: unknown = Object.create(null);
    const work = (): never => {
      throw new Error('work');
    };
    const retryPolicy = (): never => {
      throw hostile as Error;
    };
    expect((await run(work, { options: { retryPolicy } }).stored).state).toBe('available');
  });

  test('whose outcome cannot be given to be stored is logged, and its slot is free', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const ran = run(() => undefined, {
      store: () => {
        throw new Error('no store');
      },
    });
    await nextTurn();
    expect(ran.freed).toBe(1);
    expect(log.mock.calls.flat().join()).toContain('no store');
  });

  test('is cancelled when onError says so', async () => {
    const work = (): void => {
      throw new Error('never again');
    };
    const { state, error } = await run(work, { options: { onError: () => 'cancel' } }).stored;
    expect(state).toBe('cancelled');
    expect(error).toContain('never again');
  });

  test('is the current job of all that it calls, and of nothing else', async () => {
    let found: unknown;
    const { attempt, stored } = run(async () => {
      await Promise.resolve();
      found = new CurrentJob().job;
    });
    expect(new CurrentJob().isActive).toBe(false);
    await stored;
    expect(found).toBe(attempt.job);
  });
});
