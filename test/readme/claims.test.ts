import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Global, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getRiverTransactionToken,
  JobArgs,
  RiverClient,
  RiverModule,
  RiverTransactional,
} from 'nestjs-river';
import { requireInserted, RiverTestingModule } from 'nestjs-river/testing';
import { DataSource } from 'typeorm';
import { createDataSource, createEmptyDatabase, createTestDatabase } from '../support/index.js';
import { startClient } from '../client/started-client.js';

const README = readFileSync('README.md', 'utf8');

@JobArgs('sync_customer', { uniqueOpts: { byArgs: ['customerId'] } })
class Sync {
  constructor(readonly customerId: number) {}
}

@Injectable()
class Shop {
  constructor(private readonly river: RiverClient) {}

  @RiverTransactional()
  async order(): Promise<void> {
    await this.river.insert(new Sync(1));
  }
}

test('explainUnique answers what README.md shows', async () => {
  const client = await startClient({ database: await createTestDatabase() });
  try {
    await client.river.insert(new Sync(42));
    const answer = await client.river.explainUnique(new Sync(42));
    const [, shown = ''] = /```text\n(path .*?)```/s.exec(README) ?? [];
    const { id, state } = answer.blockedBy ?? {};
    const lines = [
      ['path', answer.path],
      ['keyText', answer.keyText],
      ['keyHash', answer.keyHash],
      ['states', answer.states.join(', ')],
      ['blockedBy', `{ id: '${id}', state: '${state}', ... }`],
      ['reason', answer.reason],
    ];
    const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
    expect(words(shown)).toEqual(words(lines.flat().join(' ')));
  } finally {
    await client.stop();
  }
});

describe("without a database that has River's tables", () => {
  const insert = jest.fn(async (_args: object) => undefined);
  const fakeTransaction = {
    provide: getRiverTransactionToken(),
    useValue: { run: (...args: unknown[]) => (args.at(-1) as (manager: object) => unknown)({}) },
  };
  let dataSource: DataSource;

  beforeAll(async () => {
    dataSource = await createDataSource(await createEmptyDatabase());
  });
  afterAll(() => dataSource.destroy());

  test('a fake client and a fake transaction do for a service', async () => {
    const client = { provide: RiverClient, useValue: { insert } };
    const module = await Test.createTestingModule({
      providers: [Shop, client, fakeTransaction],
    }).compile();
    await module.get(Shop).order();
    expect(insert).toHaveBeenCalledWith(new Sync(1));
  });

  test('RiverTestingModule.override() needs no tables, and the database is not asked', async () => {
    @Global()
    @Module({
      providers: [{ provide: DataSource, useFactory: () => dataSource }],
      exports: [DataSource],
    })
    class DataModule {}
    const imports = [DataModule, RiverModule.forRoot()];

    const builder = Test.createTestingModule({ imports, providers: [Shop] });
    const module = await RiverTestingModule.override(builder).compile();
    await module.get(Shop).order();
    await requireInserted(module.get(RiverClient), Sync, { args: { customerId: 1 } });
    await module.close();

    const real = Test.createTestingModule({ imports }).compile();
    await expect(real).rejects.toMatchObject({ code: 'RIVER_SCHEMA_MISSING' });
  });
});
