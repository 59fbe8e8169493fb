import assert from 'node:assert/strict';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RiverTransaction } from 'nestjs-river';
import { DataSource } from 'typeorm';
import { check } from './check.js';
import { counter } from './insert-checks.js';
import { PartsModule } from './modules.js';
import { Order } from './orders.js';

/** Whatever has no query runner of its own joins, by every way that TypeORM has. */
export async function joinChecks(app: INestApplication): Promise<void> {
  const dataSource = app.get(DataSource);
  const { manager } = dataSource;
  const repository = dataSource.getRepository(Order);
  const transaction = app.get(RiverTransaction);
  const count = counter(dataSource);
  const into = `insert into compat_order (email) values`;
  const email = 'joined';

  const ways: Record<string, () => Promise<unknown>> = {
    'repository.save': () => repository.save({ email }),
    'repository.insert': () => repository.insert({ email }),
    'repository.query': () => repository.query(`${into} ('joined')`),
    'repository.createQueryBuilder': () =>
      repository.createQueryBuilder().insert().values({ email }).execute(),
    'repository.extend': () => repository.extend({}).save({ email }),
    'manager.save': () => manager.save(Order, { email }),
    'manager.query': () => manager.query(`${into} ('joined')`),
    'manager.getRepository': () => manager.getRepository(Order).save({ email }),
    'manager.withRepository': () => manager.withRepository(repository).save({ email }),
    'manager.transaction': () => manager.transaction((inner) => inner.save(Order, { email })),
    'dataSource.query': () => dataSource.query(`${into} ('joined')`),
    'dataSource.createQueryBuilder': () =>
      dataSource.createQueryBuilder().insert().into(Order).values({ email }).execute(),
    'dataSource.transaction': () => dataSource.transaction((inner) => inner.save(Order, { email })),
  };
  for (const [name, write] of Object.entries(ways)) {
    await check(`${name} joins the transaction`, async () => {
      const failing = transaction.run(async () => {
        await write();
        assert.equal(await repository.countBy({ email }), 1);
        throw new Error('on purpose');
      });
      await assert.rejects(failing, /on purpose/);
      assert.equal(await count('compat_order', `email = '${email}'`), 0);
    });
  }

  await check('active record joins the transaction', async () => {
    Order.useDataSource(dataSource);
    const failing = transaction.run(async () => {
      await Order.create({ email }).save();
      assert.equal(await Order.countBy({ email }), 1);
      throw new Error('on purpose');
    });
    await assert.rejects(failing, /on purpose/);
    assert.equal(await count('compat_order', `email = '${email}'`), 0);
  });

  await check('a runner from createQueryRunner() stays its own', async () => {
    const failing = transaction.run(async () => {
      const runner = dataSource.createQueryRunner();
      await runner.manager.save(Order, { email: 'own runner' });
      await runner.release();
      throw new Error('on purpose');
    });
    await assert.rejects(failing, /on purpose/);
    assert.equal(await count('compat_order', `email = 'own runner'`), 1);
  });
}

/** With replication, which is told by the names that the sessions of the two pools give. */
export async function replicationChecks(url: string): Promise<void> {
  const pool = (name: string): { url: string } => {
    const own = new URL(url);
    own.searchParams.set('application_name', name);
    return { url: own.href };
  };
  const replication = { master: pool('master'), slaves: [pool('slave')] };
  const dataSource = new DataSource({ type: 'postgres', entities: [Order], replication });
  await dataSource.initialize();
  const app = await NestFactory.createApplicationContext(PartsModule.with(dataSource, {}), {
    logger: false,
    abortOnError: false,
  });
  await check('reads in a transaction go to the master, and see its own writes', async () => {
    const orders = dataSource.getRepository(Order);
    const where = async (): Promise<unknown> => {
      const select = `current_setting('application_name')`;
      const query = orders.createQueryBuilder('o').select(select, 'pool').limit(1);
      return (await query.getRawOne<{ pool: string }>())?.pool;
    };
    await app.get(RiverTransaction).run(async () => {
      const before = await orders.count();
      await orders.save({ email: 'replicated' });
      assert.deepEqual([await orders.count(), await where()], [before + 1, 'master']);
    });
    assert.equal(await where(), 'slave');
  });
  await app.close();
  await dataSource.destroy();
}
