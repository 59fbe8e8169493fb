import assert from 'node:assert/strict';
import type { INestApplication } from '@nestjs/common';
import { RiverTransaction } from 'nestjs-river';
import { DataSource } from 'typeorm';
import { check } from './check.js';
import { counter } from './insert-checks.js';
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

  await check('a runner from createQueryRunner() stays its own; a stream is refused', async () => {
    const failing = transaction.run(async () => {
      const runner = dataSource.createQueryRunner();
      await runner.manager.save(Order, { email: 'own runner' });
      await runner.release();
      await repository.createQueryBuilder('o').stream();
    });
    await assert.rejects(failing, { code: 'RIVER_INVALID_TRANSACTION' });
    assert.equal(await count('compat_order', `email = 'own runner'`), 1);
  });
}
