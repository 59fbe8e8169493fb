import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  InsertManyParams,
  InvalidJobError,
  JobArgs,
  jobArgs,
  type RiverClient,
} from 'nestjs-river';
import { queryAll } from '../support/index.js';
import { countJobs, startClient, storedJobs, type StartedClient } from './started-client.js';

@JobArgs('sort')
class SortArgs {
  constructor(readonly strings: string[]) {}
}

class ProtocolArgs {
  readonly kind = 'protocol';
  constructor(readonly to: string) {}
}

let client: StartedClient;
let river: RiverClient;

beforeAll(async () => {
  client = await startClient();
  river = client.river;
});
afterAll(() => client.stop());
beforeEach(() => queryAll(client.database, 'delete from river_job'));

describe('insert', () => {
  test('stores decorated args and answers the row', async () => {
    const { job, uniqueSkippedAsDuplicated } = await river.insert(new SortArgs(['b', 'a']));
    expect(uniqueSkippedAsDuplicated).toBe(false);
    expect(job).toMatchObject({ kind: 'sort', args: { strings: ['b', 'a'] }, state: 'available' });
    expect(await storedJobs(client.database)).toMatchObject([
      { id: String(job.id), kind: 'sort', args: { strings: ['b', 'a'] } },
    ]);
  });

  test('stores args that follow the protocol, without their kind', async () => {
    await river.insert(new ProtocolArgs('someone'));
    expect(await storedJobs(client.database)).toMatchObject([
      { kind: 'protocol', args: { to: 'someone' } },
    ]);
  });

  test('stores args without a class', async () => {
    await river.insert(jobArgs('plain', { n: 1 }));
    expect(await storedJobs(client.database)).toMatchObject([{ kind: 'plain', args: { n: 1 } }]);
  });

  test('answers a row that a controller can return', async () => {
    const { job } = await river.insert(new SortArgs([]));
    expect(JSON.parse(JSON.stringify(job))).toMatchObject({
      id: String(job.id),
      kind: 'sort',
      args: { strings: [] },
    });
  });

  test('refuses an object that is none of these before anything is sent', async () => {
    const refusal = await river.insert({ strings: [] }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidJobError);
    expect(refusal).toMatchObject({ code: 'RIVER_ARGS_UNDECORATED', field: 'args' });
    expect(await countJobs(client.database)).toBe(0);
  });
});

describe('insertMany', () => {
  test('answers a result for each job, in the order given, with ascending ids', async () => {
    const results = await river.insertMany([
      jobArgs('c', {}),
      InsertManyParams.of(new SortArgs(['x']), { queue: 'slow', priority: 2 }),
      new ProtocolArgs('y'),
    ]);
    expect(results.map(({ job }) => job.kind)).toEqual(['c', 'sort', 'protocol']);
    const ids = results.map(({ job }) => job.id);
    expect([...ids].sort((a, b) => Number(a) - Number(b))).toEqual(ids);
    const rows = await storedJobs(client.database);
    expect(rows.map(({ id, kind, queue }) => [id, kind, queue])).toEqual([
      [String(ids[0]), 'c', 'default'],
      [String(ids[1]), 'sort', 'slow'],
      [String(ids[2]), 'protocol', 'default'],
    ]);
  });

  test('answers [] for no jobs, and sends nothing', async () => {
    expect(await river.insertMany([])).toEqual([]);
    expect(await countJobs(client.database)).toBe(0);
  });

  test('stores none when one is refused, and names it', async () => {
    const jobs = [
      new SortArgs([]),
      new SortArgs([]),
      InsertManyParams.of(new SortArgs([]), { priority: 5 }),
    ];
    const refusal = await river.insertMany(jobs).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidJobError);
    expect(refusal).toMatchObject({ code: 'RIVER_INVALID_OPTION', field: 'priority', index: 2 });
    expect((refusal as Error).message).toMatch(/^jobs\[2\]: priority: /);
    expect(await countJobs(client.database)).toBe(0);
  });

  test('stores none when the database refuses one', async () => {
    await queryAll(
      client.database,
      `alter table river_job add constraint no_evil check (kind <> 'evil')`,
    );
    try {
      const jobs = [jobArgs('good', {}), jobArgs('evil', {}), jobArgs('good', {})];
      await expect(river.insertMany(jobs)).rejects.toMatchObject({ sqlState: '23514' });
    } finally {
      await queryAll(client.database, 'alter table river_job drop constraint no_evil');
    }
    expect(await countJobs(client.database)).toBe(0);
  });

  test('takes thousands of jobs', async () => {
    const jobs = Array.from({ length: 5_000 }, (_, n) => jobArgs('many', { n }));
    const results = await river.insertMany(jobs);
    expect(results).toHaveLength(5_000);
    const [row] = await queryAll(
      client.database,
      `select count(*)::int, bool_and(id - first = (args->>'n')::int) as in_order
       from river_job, (select min(id) as first from river_job) as least`,
    );
    expect(row).toEqual({ count: 5_000, in_order: true });
  });

  test.each([[undefined], [null], [{}], ['jobs'], [new Set()]])(
    'refuses %p, which is no list',
    async (items) => {
      await expect(river.insertMany(items as never)).rejects.toMatchObject({
        name: 'InvalidJobError',
        field: 'jobs',
      });
    },
  );
});

describe('an AbortSignal', () => {
  const reason = new Error('the client went away');

  test('that is raised already keeps the job from being sent', async () => {
    const signal = AbortSignal.abort(reason);
    await expect(river.insert(new SortArgs([]), { signal })).rejects.toMatchObject({
      name: 'InsertAbortedError',
      code: 'RIVER_ABORTED',
      cause: reason,
    });
    const jobs = [new SortArgs([]), InsertManyParams.of(new SortArgs([]), { signal })];
    await expect(river.insertMany(jobs)).rejects.toMatchObject({ code: 'RIVER_ABORTED' });
    expect(await countJobs(client.database)).toBe(0);
  });

  test('that is raised in a transaction leaves the transaction usable', async () => {
    await client.dataSource.transaction(async (manager) => {
      const opts = { signal: AbortSignal.abort(reason) };
      await expect(river.insertTx(manager, new SortArgs([]), opts)).rejects.toMatchObject({
        code: 'RIVER_ABORTED',
      });
      await river.insertTx(manager, new SortArgs(['after it']));
    });
    expect(await countJobs(client.database)).toBe(1);
  });

  test('that is not raised, or only after the insert, changes nothing', async () => {
    const controller = new AbortController();
    await river.insert(new SortArgs([]), { signal: controller.signal });
    controller.abort();
    expect(await countJobs(client.database)).toBe(1);
  });
});
