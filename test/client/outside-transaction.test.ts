import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  InsertManyParams,
  JobArgs,
  jobArgs,
  RiverTransactionError,
  type InsertOptions,
  type OutsideTransaction,
} from 'nestjs-river';
import { connect, createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

@JobArgs('only_inside', { outsideTransaction: 'error' })
class OnlyInsideArgs {}

@JobArgs('warned', { outsideTransaction: 'warn' })
class WarnedArgs {}

@JobArgs('own', { outsideTransaction: 'error' })
class ArgsWithOwnOpts {
  insertOpts(): InsertOptions {
    return { outsideTransaction: 'allow' };
  }
}

let database: TestDatabase;
const clients = new Map<OutsideTransaction, StartedClient>();
const warn = jest.fn<(message: unknown, ...rest: unknown[]) => void>();

beforeAll(async () => {
  database = await createTestDatabase();
  for (const outsideTransaction of ['allow', 'warn', 'error'] as const) {
    clients.set(outsideTransaction, await startClient({ database, river: { outsideTransaction } }));
  }
  const ignore = (): void => undefined;
  Logger.overrideLogger({ log: ignore, error: ignore, warn });
});
afterEach(async () => {
  warn.mockClear();
  await queryAll(database, 'delete from river_job');
});
afterAll(async () => {
  Logger.overrideLogger(['error', 'warn']);
  for (const client of clients.values()) await client.stop();
});

const clientWith = (policy: OutsideTransaction): StartedClient => {
  const client = clients.get(policy);
  if (client === undefined) throw new Error(`no client ${policy}`);
  return client;
};

describe("the module's outsideTransaction", () => {
  test("'allow' inserts without a word", async () => {
    await clientWith('allow').river.insert(jobArgs('plain', {}));
    expect(await countJobs(database)).toBe(1);
    expect(warn).not.toHaveBeenCalled();
  });

  test("'warn' inserts, and warns by Nest's logger, naming the kind", async () => {
    await clientWith('warn').river.insert(jobArgs('plain', { secret: 'value' }));
    expect(await countJobs(database)).toBe(1);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toContain("kind 'plain'");
    expect(JSON.stringify(warn.mock.calls)).not.toContain('value');
  });

  test("'error' refuses and stores nothing", async () => {
    const { river } = clientWith('error');
    const refusal: unknown = await river
      .insert(jobArgs('plain', {}))
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RiverTransactionError);
    expect(refusal).toMatchObject({
      code: 'RIVER_OUTSIDE_TRANSACTION',
      field: 'outsideTransaction',
    });
    await expect(river.insertMany([jobArgs('plain', {})])).rejects.toThrow(RiverTransactionError);
    expect(await countJobs(database)).toBe(0);
  });

  test.each(['warn', 'error'] as const)('%p says nothing inside a transaction', async (policy) => {
    const { river, transaction, dataSource } = clientWith(policy);
    await transaction.run(() => river.insert(jobArgs('plain', {})));
    await dataSource.transaction((manager) => river.insertTx(manager, jobArgs('plain', {})));
    const tx = await connect(database);
    await tx.query('begin');
    await river.insertManyTx(tx, [jobArgs('plain', {})]);
    await tx.query('commit');
    await tx.end();
    expect(await countJobs(database)).toBe(3);
    expect(warn).not.toHaveBeenCalled();
  });

  test("'error' refuses what is put outside, within a transaction", async () => {
    const { river, transaction } = clientWith('error');
    await transaction.run(async () => {
      await expect(transaction.outside(() => river.insert(jobArgs('plain', {})))).rejects.toThrow(
        RiverTransactionError,
      );
    });
  });
});

describe("a kind's and a call's outsideTransaction", () => {
  test('of the class decides over the module', async () => {
    const { river } = clientWith('allow');
    await expect(river.insert(new OnlyInsideArgs())).rejects.toThrow(RiverTransactionError);
    await clientWith('error').river.insert(new WarnedArgs());
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test('of the instance decides over the class', async () => {
    await clientWith('error').river.insert(new ArgsWithOwnOpts());
    expect(await countJobs(database)).toBe(1);
  });

  test('of the call decides over all', async () => {
    await clientWith('error').river.insert(new OnlyInsideArgs(), { outsideTransaction: 'allow' });
    const opts = { outsideTransaction: 'error' } as const;
    await expect(clientWith('allow').river.insert(new ArgsWithOwnOpts(), opts)).rejects.toThrow(
      RiverTransactionError,
    );
    expect(await countJobs(database)).toBe(1);
  });

  test("null of the call is River's default: allowed", async () => {
    await clientWith('error').river.insert(new OnlyInsideArgs(), { outsideTransaction: null });
    expect(await countJobs(database)).toBe(1);
  });

  test('of one job of a batch refuses the batch', async () => {
    const batch = [
      jobArgs('plain', {}),
      InsertManyParams.of(jobArgs('strict', {}), { outsideTransaction: 'error' }),
    ];
    await expect(clientWith('allow').river.insertMany(batch)).rejects.toMatchObject({
      code: 'RIVER_OUTSIDE_TRANSACTION',
      message: expect.stringContaining("'strict'") as unknown,
    });
    expect(await countJobs(database)).toBe(0);
  });
});
