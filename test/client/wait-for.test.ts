import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  JobArgs,
  JobCancelledError,
  JobDiscardedError,
  JobFailedError,
  JobNotFoundError,
  JobRow,
  jobArgs,
  WaitAbortedError,
  WaitTimeoutError,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { startClient, storedJobs, type StartedClient } from './started-client.js';
import { endJobs } from './waiting-jobs.js';

@JobArgs('sort', { uniqueOpts: { byArgs: true } })
class UniqueSort {
  constructor(readonly strings: string[]) {}
}

const SORT = jobArgs('sort', { strings: ['whale', 'bear'] });
const AN_ERROR = {
  at: '2026-11-21T10:07:33.5Z',
  attempt: 1,
  error: 'disk full',
  trace: 'main.go:1',
};

let client: StartedClient;
beforeAll(async () => {
  client = await startClient();
});
afterAll(() => client.stop());

async function insert(): Promise<string> {
  return (await client.river.insert(SORT)).job.id;
}

describe('waitFor', () => {
  test('gives the completed row and what the worker recorded', async () => {
    const { job } = await client.river.insert(SORT);
    const waiting = client.river.waitFor(job, {
      parseOutput: (recorded) => recorded as { sorted: string[] },
    });
    await sleep(50);
    await endJobs(client.database, [job.id], {
      state: 'completed',
      output: { sorted: ['bear', 'whale'] },
    });
    const { job: ended, output } = await waiting;
    expect(ended).toBeInstanceOf(JobRow);
    expect(ended).toMatchObject({ id: job.id, state: 'completed', attempt: 1, kind: 'sort' });
    expect(ended.finalizedAt).toBeInstanceOf(Date);
    expect(output.sorted).toEqual(['bear', 'whale']);
  });

  test.each([['a row'], ['a bigint'], ['a number'], ['digits']] as const)(
    'takes %s for a job that has ended already',
    async (form) => {
      const { job } = await client.river.insert(SORT);
      await endJobs(client.database, [job.id], { state: 'completed', output: false });
      const forms = {
        'a row': job,
        'a bigint': BigInt(job.id),
        'a number': Number(job.id),
        digits: String(job.id),
      };
      const { output } = await client.river.waitFor(forms[form]);
      expect(output).toBe(false);
    },
  );

  test('tells that nothing was recorded, null, and integers of any size', async () => {
    const ids = [await insert(), await insert(), await insert()] as const;
    await endJobs(client.database, [ids[0]], { state: 'completed' });
    await endJobs(client.database, [ids[1]], { state: 'completed', output: null });
    await endJobs(client.database, [ids[2]], { state: 'completed' });
    await queryAll(
      client.database,
      `update river_job set metadata = '{"output": 9007199254740993}' where id = $1`,
      [String(ids[2])],
    );
    const results = await Promise.all(ids.map((id) => client.river.waitFor(id)));
    expect(results.map(({ output }) => output)).toEqual([undefined, null, '9007199254740993']);
  });

  test('takes metadata that are null for no output', async () => {
    const id = await insert();
    await endJobs(client.database, [id], { state: 'completed' });
    await queryAll(client.database, `update river_job set metadata = 'null' where id = ${id}`);
    expect((await client.river.waitFor(id)).output).toBeUndefined();
  });

  test('goes on through retries, and tells every wait of one job', async () => {
    const id = await insert();
    const waits = [client.river.waitFor(id), client.river.waitFor(id)];
    for (const state of ['running', 'retryable', 'scheduled', 'available']) {
      await queryAll(client.database, `update river_job set state = '${state}' where id = ${id}`);
      await sleep(40);
    }
    await endJobs(client.database, [id], { state: 'completed', output: 1 });
    expect(await Promise.all(waits)).toMatchObject([{ output: 1 }, { output: 1 }]);
  });

  test('rejects when the job was cancelled', async () => {
    const id = await insert();
    const waiting = client.river.waitFor(id);
    await endJobs(client.database, [id], { state: 'cancelled', attempt: 0 });
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(JobCancelledError);
    expect(error).toMatchObject({
      code: 'RIVER_JOB_CANCELLED',
      job: { id, state: 'cancelled' },
      message: `Job ${id} (kind sort) was cancelled after 0 of at most 25 attempts.`,
    });
  });

  test('rejects when the job was discarded, with the attempt errors', async () => {
    const id = await insert();
    const errors = [
      AN_ERROR,
      { ...AN_ERROR, attempt: 2 },
      { ...AN_ERROR, attempt: 3, error: 'x'.repeat(5_000) },
      { ...AN_ERROR, attempt: 4, error: '' },
    ];
    await endJobs(client.database, [id], {
      state: 'discarded',
      attempt: 4,
      errors,
      output: 'partial',
    });
    const error = await client.river.waitFor(id).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(JobDiscardedError);
    expect(error).toBeInstanceOf(JobFailedError);
    const { message, code, job } = error as JobDiscardedError;
    expect(code).toBe('RIVER_JOB_DISCARDED');
    expect(message).toBe(
      `Job ${id} (kind sort) was discarded after 4 of at most 25 attempts.` +
        ' Attempt 4 at 2026-11-21T10:07:33.500Z: no error text.' +
        ` Attempt 3 at 2026-11-21T10:07:33.500Z: ${'x'.repeat(300)}….` +
        ' Attempt 2 at 2026-11-21T10:07:33.500Z: disk full.' +
        ' And 1 before.',
    );
    expect(job.errors.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(job.errors[0]?.trace).toBe('main.go:1');
    expect(job.metadata['output']).toBe('partial');
  });

  test('gives up after timeoutMs, tells the state and the errors so far, and the job goes on', async () => {
    const id = await insert();
    await queryAll(
      client.database,
      `update river_job set state = 'retryable', attempt = 1, errors = array[$1::jsonb] where id = ${id}`,
      [JSON.stringify(AN_ERROR)],
    );
    const began = Date.now();
    const error = await client.river
      .waitFor(id, { timeoutMs: 100 })
      .catch((reason: unknown) => reason);
    expect(Date.now() - began).toBeGreaterThanOrEqual(99);
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect(error).toMatchObject({
      code: 'RIVER_WAIT_TIMEOUT',
      retryable: true,
      id,
      job: { state: 'retryable' },
      message:
        `Job ${id} (kind sort) did not end within 100 ms. It is retryable after 1 of at most 25 ` +
        'attempts, and goes on. Attempt 1 at 2026-11-21T10:07:33.500Z: disk full.',
    });
    await endJobs(client.database, [id], { state: 'completed', output: 7 });
    await expect(client.river.waitFor(id)).resolves.toMatchObject({ output: 7 });
  });

  test('gives up by its signal, also by one that is raised already', async () => {
    const id = await insert();
    const abort = new AbortController();
    const waiting = client.river.waitFor(id, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('the client went away')), 30);
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WaitAbortedError);
    expect(error).toMatchObject({
      code: 'RIVER_WAIT_ABORTED',
      field: 'signal',
      cause: { message: 'the client went away' },
      message: `The wait for job ${id} was aborted by its signal. The job goes on.`,
    });
    await expect(client.river.waitFor(id, { signal: abort.signal })).rejects.toThrow('aborted');
    expect(await storedJobs(client.database, `id = ${id}`)).toMatchObject([{ state: 'available' }]);
  });

  test('waits a second for a job that is not there, and rejects at once when one is deleted', async () => {
    const id = await insert();
    const waiting = client.river.waitFor(id);
    await sleep(100);
    await queryAll(client.database, `delete from river_job where id = ${id}`);
    const began = performance.now();
    const missing = client.river.waitFor(999_999);
    // In whatever time the machine takes, the wait for the one that was seen ends first.
    await expect(Promise.race([waiting, missing])).rejects.toMatchObject({
      code: 'RIVER_JOB_NOT_FOUND',
      id,
    });
    await expect(missing).rejects.toBeInstanceOf(JobNotFoundError);
    expect(performance.now() - began).toBeGreaterThanOrEqual(999);
  });

  test('finds a job whose transaction commits meanwhile', async () => {
    let waiting: Promise<unknown> | undefined;
    await client.dataSource.transaction(async (manager) => {
      const { job } = await client.river.insertTx(manager, SORT);
      waiting = client.transaction.outside(() => client.river.waitFor(job));
      setTimeout(() => void endJobs(client.database, [job.id], { state: 'completed' }), 400);
      await sleep(200);
    });
    await expect(waiting).resolves.toMatchObject({ job: { state: 'completed' } });
  });

  test.each([
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: 1.5 }, 'timeoutMs'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs'],
    [{ timeoutMs: '5' as never }, 'timeoutMs'],
    [{ signal: {} as never }, 'signal'],
    [{ timeout: 5 } as never, 'timeout'],
    [null as never, 'wait options'],
  ])('refuses the options %j', async (options, field) => {
    await expect(client.river.waitFor(1n, options)).rejects.toMatchObject({
      code: 'RIVER_INVALID_PARAMS',
      field,
    });
  });

  test.each([[0], [-1n], [2n ** 63n], ['x'], [1.5], [undefined], [null], [{}]])(
    'refuses the job %p',
    async (job) => {
      await expect(client.river.waitFor(job as never)).rejects.toMatchObject({
        code: 'RIVER_INVALID_PARAMS',
        field: 'job',
      });
    },
  );
});

describe('parseOutput', () => {
  const parseOutput = (recorded: unknown): number => {
    if (typeof recorded !== 'number') throw new TypeError('the output is not a number');
    return recorded + 1;
  };

  test('makes the output of what the worker recorded', async () => {
    const id = await insert();
    await endJobs(client.database, [id], { state: 'completed', output: 41 });
    expect((await client.river.waitFor(id, { parseOutput })).output).toBe(42);
  });

  test('receives undefined when the worker recorded nothing', async () => {
    const id = await insert();
    await endJobs(client.database, [id], { state: 'completed' });
    const { output } = await client.river.waitFor(id, { parseOutput: (value) => [value] });
    expect(output).toEqual([undefined]);
  });

  test('rejects the call with what it throws', async () => {
    const id = await insert();
    await endJobs(client.database, [id], { state: 'completed', output: 'no number' });
    const waiting = client.river.waitFor(id, { parseOutput });
    await expect(waiting).rejects.toThrow(new TypeError('the output is not a number'));
  });

  test('must be a function, or nothing is inserted', async () => {
    const args = new UniqueSort(['never parsed']);
    const waiting = client.river.insertAndWait(args, {}, { parseOutput: 'number' as never });
    await expect(waiting).rejects.toMatchObject({
      code: 'RIVER_INVALID_PARAMS',
      field: 'parseOutput',
    });
    expect(await storedJobs(client.database, `args @> '{"strings": ["never parsed"]}'`)).toEqual(
      [],
    );
  });
});

describe('insertAndWait', () => {
  test('inserts, and gives the completed row and the output', async () => {
    const waiting = client.river.insertAndWait(
      new UniqueSort(['a']),
      { queue: 'waiting' },
      { timeoutMs: null, parseOutput: Number },
    );
    const [row] = await untilStored(`queue = 'waiting'`);
    await endJobs(client.database, [String(row?.['id'])], {
      state: 'completed',
      output: 1,
    });
    const { job, output, uniqueSkippedAsDuplicated } = await waiting;
    expect([output, uniqueSkippedAsDuplicated]).toEqual([1, false]);
    expect(job.args.strings).toEqual(['a']);
  });

  test('gives the answer of an equal unique job that has ended', async () => {
    const again = await client.river.insertAndWait(new UniqueSort(['a']), {
      queue: 'waiting',
    });
    expect(again).toMatchObject({ output: 1, uniqueSkippedAsDuplicated: true });
  });

  test('inserts nothing when the options of the wait are refused', async () => {
    const args = new UniqueSort(['never']);
    const inserted = client.river.insertAndWait(args, {}, { timeoutMs: -1 });
    await expect(inserted).rejects.toMatchObject({ field: 'timeoutMs' });
    expect(await storedJobs(client.database, `args @> '{"strings": ["never"]}'`)).toEqual([]);
  });

  test('inserts nothing when the signal of the wait is raised already', async () => {
    const signal = AbortSignal.abort(new Error('the client went away'));
    const args = new UniqueSort(['aborted']);
    const error = await client.river
      .insertAndWait(args, {}, { signal })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WaitAbortedError);
    expect(error).toMatchObject({
      code: 'RIVER_WAIT_ABORTED',
      field: 'signal',
      cause: { message: 'the client went away' },
      message: expect.stringContaining('Nothing was inserted') as unknown,
    });
    expect(await storedJobs(client.database, `args @> '{"strings": ["aborted"]}'`)).toEqual([]);
  });

  test('tells what refuses the insert', async () => {
    const inserted = client.river.insertAndWait(SORT, { priority: 9 });
    await expect(inserted).rejects.toMatchObject({ code: 'RIVER_INVALID_OPTION' });
  });
});

describe('in a transaction', () => {
  const ways: Record<string, (work: () => Promise<unknown>) => Promise<unknown>> = {
    run: (work) => client.transaction.run(work),
    'a savepoint': (work) =>
      client.transaction.run(() => client.transaction.run({ propagation: 'NESTED' }, work)),
    bind: (work) =>
      client.dataSource.transaction((manager) =>
        client.transaction.bind(manager.queryRunner as never, work),
      ),
  };
  test.each(Object.entries(ways))(
    'by %s both are refused, nothing is inserted',
    async (_n, way) => {
      const before = await storedJobs(client.database);
      await way(async () => {
        await expect(client.river.insertAndWait(SORT)).rejects.toMatchObject({
          code: 'RIVER_WAIT_IN_TRANSACTION',
          message: expect.stringMatching(/^insertAndWait: .*afterCommit.*transaction\.outside/),
        });
        const { job } = await client.river.insert(jobArgs('rolled back', {}));
        await expect(client.river.waitFor(job)).rejects.toMatchObject({
          code: 'RIVER_WAIT_IN_TRANSACTION',
          message: expect.stringMatching(/^waitFor: .*afterCommit.*transaction\.outside/),
        });
        throw new Error('undo');
      }).catch((error: Error) => {
        if (error.message !== 'undo') throw error;
      });
      expect(await storedJobs(client.database)).toEqual(before);
    },
  );

  test('of outside() a job that is committed is waited for, one that is not is not found', async () => {
    const id = await insert();
    await endJobs(client.database, [id], { state: 'completed', output: 'seen' });
    await client.transaction.run(async () => {
      const { job } = await client.river.insert(SORT);
      const both = await client.transaction.outside(() =>
        Promise.allSettled([client.river.waitFor(id), client.river.waitFor(job)]),
      );
      expect(both).toMatchObject([
        { status: 'fulfilled', value: { output: 'seen' } },
        { status: 'rejected', reason: { code: 'RIVER_JOB_NOT_FOUND' } },
      ]);
    });
  });

  test('an afterCommit hook can wait', async () => {
    let output: unknown;
    await client.transaction.run(async () => {
      const { job } = await client.river.insert(SORT);
      client.transaction.afterCommit(async () => {
        await endJobs(client.database, [job.id], { state: 'completed', output: 'after' });
        ({ output } = await client.river.waitFor(job));
      });
    });
    expect(output).toBe('after');
  });
});

test('looks carry nothing of the context of who waits', async () => {
  const context = new AsyncLocalStorage<string>();
  const seen = new Set<string | undefined>();
  const logger = client.dataSource.logger;
  const logQuery = logger.logQuery.bind(logger);
  logger.logQuery = (query, ...rest) => {
    if (query.includes('in_any_state')) seen.add(context.getStore());
    logQuery(query, ...rest);
  };
  try {
    const id = await insert();
    await endJobs(client.database, [id], { state: 'completed' });
    await context.run('a request', async () => {
      await client.river.waitFor(id);
      expect(context.getStore()).toBe('a request');
    });
    expect([...seen]).toEqual([undefined]);
  } finally {
    logger.logQuery = logQuery;
  }
});

async function untilStored(where: string) {
  for (;;) {
    const rows = await storedJobs(client.database, where);
    if (rows.length > 0) return rows;
    await sleep(10);
  }
}
