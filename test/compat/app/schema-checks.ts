import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { riverEntities, RiverReadOnlySubscriber } from 'nestjs-river/entities';
import { riverMigration, RiverMigrator } from 'nestjs-river/migrations';
import { DataSource } from 'typeorm';
import { check } from './check.js';

const schema = 'compat';
const MODES = ['all', 'each', 'none'] as const;

/** Migrations, the command line and the entities, in a schema that is theirs. */
export async function schemaChecks(url: string): Promise<void> {
  const { RiverJobEntity, RiverQueueEntity } = riverEntities({ schema });
  const dataSource = await new DataSource({
    type: 'postgres',
    url,
    entities: [RiverJobEntity, RiverQueueEntity],
    subscribers: [RiverReadOnlySubscriber],
    migrations: [
      riverMigration({ timestamp: 1763700000000, from: 0, to: 6, schema }),
      riverMigration({ timestamp: 1763700000001, from: 6, to: 8, schema }),
    ],
  }).initialize();
  await dataSource.query(`create schema if not exists ${schema}`);
  const migrator = new RiverMigrator(dataSource, { schema });
  const versions = async (): Promise<number> => (await migrator.existingVersions()).length;

  for (const transaction of MODES) {
    await check(`migration:run and migration:revert, transaction mode ${transaction}`, async () => {
      assert.equal((await dataSource.runMigrations({ transaction })).length, 2);
      assert.equal(await versions(), 8);
      await dataSource.undoLastMigration({ transaction });
      assert.equal(await versions(), 6);
      await dataSource.undoLastMigration({ transaction });
      assert.equal(await versions(), 0);
    });
  }

  await check('RiverMigrator, and the command line beside it', async () => {
    assert.equal(
      (await migrator.migrate({ direction: 'up', targetVersion: 7 })).versions.length,
      7,
    );
    const cli = (command: string): Promise<{ stdout: string }> =>
      promisify(execFile)('node_modules/.bin/nestjs-river', [command, '--schema', schema], {
        env: { ...process.env, DATABASE_URL: url },
      });
    await assert.rejects(cli('validate'), { code: 1, stderr: 'Unapplied migrations: 8.\n' });
    assert.match((await cli('migrate-up')).stdout, /^applied migration 008 /);
    assert.deepEqual(await migrator.validate(), { ok: true, messages: [] });
  });

  await check('entities are read, and not written', async () => {
    await dataSource.query(
      `insert into ${schema}.river_job (kind, args) values ('seen', '{"a": 1}')`,
    );
    const jobs = dataSource.getRepository(RiverJobEntity);
    const job = await jobs.findOneByOrFail({ kind: 'seen', state: 'available' });
    assert.deepEqual([job.id, job.args, job.errors], ['1', { a: 1 }, []]);
    const byId = await jobs.createQueryBuilder('job').where({ id: '1' }).getOneOrFail();
    assert.match(JSON.stringify(byId), /"id":"1"/);
    const writes = {
      save: () => jobs.save({ kind: 'new', args: {} }),
      insert: () => jobs.insert({ kind: 'new', args: {} }),
      update: () => jobs.update({ kind: 'seen' }, { queue: 'other' }),
      delete: () => jobs.delete({ kind: 'seen' }),
      remove: () => jobs.remove(job),
    };
    for (const [name, write] of Object.entries(writes)) {
      await assert.rejects(write, { code: 'RIVER_READ_ONLY_ENTITY' }, name);
    }
    await dataSource.synchronize();
    assert.equal(await jobs.count(), 1);
  });
  await dataSource.destroy();
}
