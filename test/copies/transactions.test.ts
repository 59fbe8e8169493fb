import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as ours from 'nestjs-river';
import type { DataSource } from 'typeorm';
import { startClient, storedJobs, type StartedClient } from '../client/started-client.js';
import { configurationError, silence, start, withApplication } from '../module/applications.js';
import { createDataSource, queryAll } from '../support/index.js';
import { installCopy, type InstalledCopy } from './installed-copy.js';

let client: StartedClient;
let copy: InstalledCopy;
let dataSource: DataSource;
beforeAll(async () => {
  silence();
  client = await startClient();
  copy = await installCopy();
  dataSource = await createDataSource(client.database);
});
beforeEach(() => queryAll(client.database, 'truncate river_job'));
afterAll(async () => {
  await dataSource.destroy();
  await client.stop();
  await copy.remove();
});

const JOB = ours.jobArgs('job', {});
const OTHER_COPY = { code: 'RIVER_OTHER_COPY' };
const kinds = async (): Promise<unknown[]> =>
  (await storedJobs(client.database)).map(({ kind }) => kind);

/** A helper of one copy and a client and helper of the other, on one data source. */
const sides = () => {
  const { RiverClient, RiverTransaction } = copy.river;
  return [
    {
      of: 'ours around theirs',
      outer: new ours.RiverTransaction('default', dataSource),
      inner: new RiverTransaction('default', dataSource),
      river: new RiverClient(dataSource, { notify: false }),
    },
    {
      of: 'theirs around ours',
      outer: new RiverTransaction('default', dataSource),
      inner: new ours.RiverTransaction('default', dataSource),
      river: new ours.RiverClient(dataSource, { notify: false }),
    },
  ] as const;
};

describe('in a transaction of another installed copy', () => {
  test('inserts, reads and transactions are rejected, and nothing is stored apart', async () => {
    for (const { outer, inner, river } of sides()) {
      const failing = outer.run(async () => {
        await expect(river.insert(JOB)).rejects.toMatchObject(OTHER_COPY);
        await expect(river.insertMany([JOB])).rejects.toMatchObject(OTHER_COPY);
        await expect(river.insertManyFast([JOB])).rejects.toMatchObject(OTHER_COPY);
        await expect(river.jobList()).rejects.toMatchObject(OTHER_COPY);
        await expect(inner.run(() => river.insert(JOB))).rejects.toMatchObject(OTHER_COPY);
        expect(inner.isActive).toBe(false);
        throw new Error('rolled back');
      });
      await expect(failing).rejects.toThrow('rolled back');
      expect(await kinds()).toEqual([]);
    }
  });

  test('an insert that names it is part of it', async () => {
    for (const { outer, river } of sides()) {
      const failing = outer.run(async (manager) => {
        await river.insertTx(manager, JOB);
        throw new Error('rolled back');
      });
      await expect(failing).rejects.toThrow('rolled back');
      expect(await kinds()).toEqual([]);
      await outer.run((manager) => river.insertTx(manager, JOB));
      expect(await kinds()).toEqual(['job']);
      await queryAll(client.database, 'truncate river_job');
    }
  });

  test('an insert that is put outside by either copy is stored', async () => {
    for (const { outer, inner, river } of sides()) {
      await outer.run(async () => {
        await outer.outside(() => river.insert(JOB));
        await inner.outside(() => river.insert(JOB));
      });
      expect(await kinds()).toEqual(['job', 'job']);
      await queryAll(client.database, 'truncate river_job');
    }
  });

  test('of another data source, an insert is stored', async () => {
    const other = await createDataSource(client.database);
    const transaction = new copy.river.RiverTransaction('default', other);
    await transaction.run(() => sides()[1].river.insert(JOB));
    expect(await kinds()).toEqual(['job']);
    await other.destroy();
  });
});

test('a module on a data source of another copy is rejected at the start, until that has ended', async () => {
  const app = await start([copy.river.RiverModule.forRoot({ dataSource })]);
  const error = await configurationError([ours.RiverModule.forRoot({ dataSource })]);
  expect(error).toMatchObject({ ...OTHER_COPY, field: 'dataSource' });
  expect(error.message).toContain('npm ls nestjs-river');
  await app.close();
  await withApplication([ours.RiverModule.forRoot({ dataSource })], async (second) => {
    await second.get(ours.RiverClient).insert(JOB);
  });
  expect(await kinds()).toEqual(['job']);
});
