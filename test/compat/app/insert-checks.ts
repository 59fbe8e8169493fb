import assert from 'node:assert/strict';
import type { INestApplicationContext } from '@nestjs/common';
import {
  DatabaseError,
  InsertManyParams,
  InvalidJobError,
  jobArgs,
  NotInTransactionError,
  rawJson,
  RiverClient,
  RiverError,
  type JobState,
  type PgClient,
} from 'nestjs-river';
import { DataSource } from 'typeorm';
import { check } from './check.js';
import { Refresh, SendReceipt } from './orders.js';

const WAITING: JobState[] = ['available', 'scheduled', 'pending'];

export function counter(dataSource: DataSource) {
  return async (table: string, where = 'true'): Promise<number> => {
    const [row] = await dataSource.query<{ count: string }[]>(
      `select count(*) from ${table} where ${where}`,
    );
    return Number(row?.count);
  };
}

/** What a client does by itself and with a transaction that it is given. */
export async function insertChecks(app: INestApplicationContext): Promise<void> {
  const river = app.get(RiverClient);
  const dataSource = app.get(DataSource);
  const count = counter(dataSource);

  await check('insert stores the row that it answers with', async () => {
    const { job, uniqueSkippedAsDuplicated } = await river.insert(new SendReceipt(7, 'a@b'), {
      priority: 3,
      tags: ['custom'],
    });
    const email: string = job.args.email;
    assert.equal(email, 'a@b');
    assert.equal(uniqueSkippedAsDuplicated, false);
    const rows: unknown = await dataSource.query(
      'select kind, args, queue, priority, max_attempts, tags, state from river_job where id = $1',
      [job.id.toString()],
    );
    const args = { orderId: 7, email: 'a@b' };
    const row = { kind: 'send_receipt', args, queue: 'mail', priority: 3, max_attempts: 5 };
    assert.deepEqual(rows, [{ ...row, tags: ['custom'], state: 'available' }]);
  });

  await check('insertMany answers in order and skips duplicates', async () => {
    const [plain, first, second, raw] = await river.insertMany([
      InsertManyParams.of(new SendReceipt(8, 'many'), { queue: 'slow' }),
      new Refresh('north', 'one'),
      new Refresh('north', 'two'),
      jobArgs('raw', { price: rawJson('1.50'), id: 2n ** 60n }),
    ]);
    assert.equal(plain.job.queue, 'slow');
    assert.equal(second.uniqueSkippedAsDuplicated, true);
    assert.equal(second.job.id, first.job.id);
    assert.equal(raw.job.encodedArgs, '{"price":1.50,"id":1152921504606846976}');
    assert.ok(plain.job.id < first.job.id && first.job.id < raw.job.id);
  });

  await check('insertManyFast stores by COPY, and leaves out what is there', async () => {
    const receipts = (async function* () {
      for (let id = 0; id < 2_000; id++) yield new SendReceipt(id, 'fast');
    })();
    assert.deepEqual(await river.insertManyFast(receipts), { inserted: 2_000, skipped: 0 });
    const refreshes = [new Refresh('north', 'four'), new Refresh('copied', 'one')];
    const result = await river.insertManyFast(refreshes, { onConflict: 'skip' });
    assert.deepEqual(result, { inserted: 1, skipped: 1 });
    assert.equal(await count('river_job', `args->>'email' = 'fast'`), 2_000);
  });

  await check('a unique job is stored once on the index path and on the lock path', async () => {
    const again = await river.insert(new Refresh('north', 'three'));
    assert.equal(again.uniqueSkippedAsDuplicated, true);
    const opts = { uniqueOpts: { byState: WAITING } };
    const ids = await Promise.all(
      [1, 2, 3, 4].map(async () => (await river.insert(jobArgs('debounced', {}), opts)).job.id),
    );
    assert.equal(new Set(ids).size, 1);
    assert.equal((await river.explainUnique(jobArgs('debounced', {}), opts)).path, 'lock');
  });

  await check('insertTx takes a manager, a query runner and a pg client', async () => {
    const args = new SendReceipt(9, 'tx');
    await dataSource.transaction(async (manager) => {
      await river.insertTx(manager, args);
    });
    const queryRunner = dataSource.createQueryRunner();
    const client = (await queryRunner.connect()) as PgClient;
    await queryRunner.startTransaction();
    await river.insertManyTx(queryRunner, [args, args]);
    await river.insertTx(client, args);
    await queryRunner.rollbackTransaction();
    await queryRunner.release();
    assert.equal(await count('river_job', `args->>'email' = 'tx'`), 1);
    await assert.rejects(river.insertTx(dataSource.manager, args), NotInTransactionError);
  });

  await check('what is refused is a RiverError with a code, and stores nothing', async () => {
    const before = await count('river_job');
    await assert.rejects(river.insert(new SendReceipt(1, 'x'), { priority: 9 }), (error) => {
      assert.ok(error instanceof InvalidJobError && RiverError.is(error));
      assert.deepEqual([error.code, error.field], ['RIVER_INVALID_OPTION', 'priority']);
      return true;
    });
    assert.equal(await count('river_job'), before);
    await dataSource.query('alter table river_job rename to river_job_away');
    const refused = river.insert(new SendReceipt(1, 'x'));
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof DatabaseError);
      return error.sqlState === '42P01';
    });
    await dataSource.query('alter table river_job_away rename to river_job');
    await river.insert(new SendReceipt(1, 'x'));
  });
}
