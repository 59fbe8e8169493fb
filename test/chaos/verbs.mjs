// How a step is done, in each of the ways in which an application may do it. Each begins at once and
// answers a promise, which is the library's own where the way has one.
import { jobArgs } from 'nestjs-river';
import { changeBy } from './changes.mjs';
import { ChaosJob, Order, Stock } from './world.mjs';

const INSERT = 'insert into chaos_order (tag) values ($1)';
const BAD_SQL = 'insert into chaos_order (tag) values ($1, no_such_column)';

/** Ways whose promises the library does not make, so that it cannot tell whether they are awaited. */
export const UNTRACKED = new Set([
  'repository.builder',
  'manager.builder',
  'dataSource.builder',
  'runner.query',
  'custom.builder',
]);

/** Through the library, and through the application's injected repositories. */
export function libraryVerbs({ dataSource, orders, customOrders, customStock, river }) {
  const runnerOf = ({ manager }) => manager.queryRunner ?? dataSource;
  const build = (builder, tag) => builder.insert().into(Order).values({ tag }).execute();
  const sql = (at, by, text, values) => {
    if (by === 'dataSource.query') return dataSource.query(text, values);
    return by === 'runner.query'
      ? runnerOf(at).query(text, values)
      : at.manager.query(text, values);
  };
  return {
    order: {
      'repository.save': (_, tag) => orders.save({ tag }),
      'repository.insert': (_, tag) => orders.insert({ tag }),
      'repository.builder': (_, tag) => build(orders.createQueryBuilder(), tag),
      'manager.save': ({ manager }, tag) => manager.save(Order, { tag }),
      'manager.insert': ({ manager }, tag) => manager.insert(Order, { tag }),
      'manager.repository': ({ manager }, tag) => manager.getRepository(Order).save({ tag }),
      'manager.query': ({ manager }, tag) => manager.query(INSERT, [tag]),
      'manager.builder': ({ manager }, tag) => build(manager.createQueryBuilder(), tag),
      'dataSource.query': (_, tag) => dataSource.query(INSERT, [tag]),
      'dataSource.builder': (_, tag) => build(dataSource.createQueryBuilder(), tag),
      'dataSource.manager': (_, tag) => dataSource.manager.save(Order, { tag }),
      'runner.query': (at, tag) => runnerOf(at).query(INSERT, [tag]),
      'custom.save': (_, tag) => customOrders.save({ tag }),
      'custom.insert': (_, tag) => customOrders.insert({ tag }),
      'custom.builder': (_, tag) => build(customOrders.createQueryBuilder(), tag),
      'custom.manager': (_, tag) => customOrders.manager.save(Order, { tag }),
      'own manager': (_, tag) => dataSource.createEntityManager().save(Order, { tag }),
    },
    change: ({ manager }, by, change) => {
      if (by === 'repository') return changeBy(dataSource.getRepository(Stock), undefined, change);
      if (by === 'custom') return changeBy(customStock, undefined, change);
      if (by === 'dataSource.manager') return changeBy(dataSource.manager, Stock, change);
      if (by === 'own manager') return changeBy(dataSource.createEntityManager(), Stock, change);
      return changeBy(manager, Stock, change);
    },
    sql,
    badSql: (at, by, tag) => sql(at, by, BAD_SQL, [tag]),
    cascade: ({ manager }, by, entity) =>
      by === 'repository' ? orders.save(entity) : manager.save(Order, entity),
    job: (at, by, tags) => {
      const jobs = tags.map((tag) => new ChaosJob(tag));
      const runner = at.manager.queryRunner;
      if (by === 'insertMany' || (by === 'insertManyTx' && !runner)) return river.insertMany(jobs);
      if (by === 'insertManyTx') return river.insertManyTx(at.manager, jobs);
      if (by === 'insertTx' && runner) return river.insertTx(at.manager, jobs[0]);
      if (by === 'insertTx runner' && runner) return river.insertTx(runner, jobs[0]);
      return river.insert(jobs[0]);
    },
    badJob: (at, tag) => river.insert(jobArgs('chaos', { tag, when: Number.NaN })),
  };
}

/** The same by plain TypeORM: everything through the manager of the transaction, with care. */
export function plainVerbs() {
  const insertJob = `insert into river_job (kind, args, max_attempts)
    select 'chaos', jsonb_build_object('tag', tag), 25 from unnest($1::text[]) tag`;
  const save = ({ manager }, tag) => manager.getRepository(Order).save({ tag });
  const insert = ({ manager }, tag) => manager.insert(Order, { tag });
  const query = ({ manager }, tag) => manager.query(INSERT, [tag]);
  const build = ({ manager }, tag) =>
    manager.createQueryBuilder().insert().into(Order).values({ tag }).execute();
  return {
    order: {
      'repository.save': save,
      'repository.insert': insert,
      'repository.builder': build,
      'manager.save': save,
      'manager.insert': insert,
      'manager.repository': save,
      'manager.query': query,
      'manager.builder': build,
      'dataSource.query': query,
      'dataSource.builder': build,
      'dataSource.manager': save,
      'runner.query': query,
      'custom.save': save,
      'custom.insert': insert,
      'custom.builder': build,
      'custom.manager': save,
      'own manager': save,
    },
    change: ({ manager }, _by, change) => changeBy(manager, Stock, change),
    sql: ({ manager }, _by, sql, values) => manager.query(sql, values),
    badSql: ({ manager }, _by, tag) => manager.query(BAD_SQL, [tag]),
    cascade: ({ manager }, _by, entity) => manager.save(Order, entity),
    job: ({ manager }, _by, tags) => manager.query(insertJob, [tags]),
    badJob: () => Promise.reject(new Error('a job that is refused')),
  };
}

export function orderWithItems(tag, size) {
  const items = Array.from({ length: size }, (_, index) => ({ tag: `${tag}.${index}` }));
  return { tag, items };
}
