import { QueryBuilder } from 'typeorm';
import { Line, Note, Order, Tag } from '../entities.mjs';

/** What all query builders share. */
export const BUILDERS = {
  'QueryBuilder.select: from one that updates': ({ orders }) =>
    orders.createQueryBuilder('o').update().select('o.item', 'item').orderBy('o.id').getRawMany(),
  'QueryBuilder.select: several, from one that deletes': ({ orders }) =>
    orders.createQueryBuilder('o').delete().select(['o.id', 'o.item']).orderBy('o.id').getMany(),
  'QueryBuilder.insert': ({ orders }) =>
    orders.createQueryBuilder().insert().values({ item: 'new' }).execute(),
  'QueryBuilder.update': ({ orders }) =>
    orders.createQueryBuilder().update({ quantity: 9 }).where({ id: 1 }).execute(),
  'QueryBuilder.update: with its class': ({ dataSource }) =>
    dataSource.createQueryBuilder().update(Tag, { label: 'changed' }).where({ id: 3 }).execute(),
  'QueryBuilder.update: with a table': ({ manager }) =>
    manager.createQueryBuilder().update('notes', { label: 'changed' }).where({ id: 1 }).execute(),
  'QueryBuilder.delete': ({ orders }) =>
    orders.createQueryBuilder().delete().where({ id: 1 }).execute(),
  'QueryBuilder.softDelete': ({ orders }) =>
    orders.createQueryBuilder().softDelete().where({ id: 1 }).execute(),
  'QueryBuilder.restore': ({ orders }) =>
    orders.createQueryBuilder().restore().where({ id: 4 }).execute(),
  'QueryBuilder.relation': ({ orders }) =>
    orders.createQueryBuilder().relation('tags').of(2).add([1, 2]),
  'QueryBuilder.relation: with its class': ({ manager }) =>
    manager.createQueryBuilder().relation(Line, 'order').of(1).set(2),
  'QueryBuilder.hasRelation': ({ orders }) => {
    const builder = orders.createQueryBuilder();
    return [builder.hasRelation(Order, 'tags'), builder.hasRelation(Order, ['tags', 'colour'])];
  },
  'QueryBuilder: parameters': ({ orders }) => {
    const builder = orders
      .createQueryBuilder('o')
      .where('o.id in (:...ids) and o.quantity > :least and o.item <> :item')
      .setParameter('ids', [1, 2, 3])
      .setParameters({ least: 4, item: 'plum' });
    const has = [builder.hasParameter('ids'), builder.hasParameter('colour')];
    const texts = [builder.getQuery(), builder.getSql(), builder.getQueryAndParameters()];
    return builder.getMany().then((found) => [found, has, texts, builder.getParameters()]);
  },
  'QueryBuilder.setNativeParameters': ({ orders }) =>
    orders.createQueryBuilder('o').setNativeParameters({}).getCount(),
  'QueryBuilder.printSql': ({ orders }) => orders.createQueryBuilder('o').printSql().getCount(),
  'QueryBuilder.execute': ({ orders }) =>
    orders.createQueryBuilder('o').select('o.item', 'item').orderBy('o.id').execute(),
  'QueryBuilder.clone': ({ orders }) =>
    orders.createQueryBuilder('o').where('o.id = 1').clone().andWhere('o.quantity = 3').getOne(),
  'QueryBuilder.createQueryBuilder': ({ orders }) =>
    orders
      .createQueryBuilder('o')
      .createQueryBuilder()
      .select('1', 'one')
      .from(Order, 'x')
      .getRawMany(),
  'QueryBuilder.comment': ({ orders }) =>
    orders.createQueryBuilder('o').comment('by the matrix').orderBy('o.id').getMany(),
  'QueryBuilder.disableEscaping': ({ manager }) =>
    manager.createQueryBuilder(Note, 'n').disableEscaping().orderBy('n.id').getMany(),
  'QueryBuilder.escape': ({ orders }) => orders.createQueryBuilder().escape('item'),
  'QueryBuilder.setQueryRunner': ({ orders, manager }) =>
    orders
      .createQueryBuilder()
      .insert()
      .values({ item: 'new' })
      .setQueryRunner(manager.queryRunner)
      .execute(),
  'QueryBuilder.callListeners': ({ orders }) =>
    orders
      .createQueryBuilder()
      .update({ note: 'quiet' })
      .callListeners(false)
      .where({ id: 1 })
      .execute(),
  'QueryBuilder.useTransaction': ({ orders }) =>
    orders
      .createQueryBuilder()
      .update({ note: 'safe' })
      .useTransaction(true)
      .where({ id: 1 })
      .execute(),
  'QueryBuilder.useTransaction: to read': ({ orders }) =>
    orders.createQueryBuilder('o').useTransaction(true).orderBy('o.id').getManyAndCount(),
  'QueryBuilder.addCommonTableExpression': ({ manager }) =>
    manager
      .createQueryBuilder()
      .addCommonTableExpression('select 1 as one', 'numbers')
      .select('numbers.one', 'one')
      .from('numbers', 'numbers')
      .getRawMany(),
  // Of the process, not of a connection: TypeORM registers its own builders with it.
  'QueryBuilder.static registerQueryBuilderClass': () =>
    QueryBuilder.registerQueryBuilderClass('MatrixQueryBuilder', () => undefined),
};
