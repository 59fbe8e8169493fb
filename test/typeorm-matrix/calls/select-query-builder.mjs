import { Brackets } from 'typeorm';
import { Customer, Line, Order } from '../entities.mjs';

/** @param {import('../places.mjs').On} on */
const select = ({ orders }) => orders.createQueryBuilder('o').orderBy('o.id');
const linesOf = (on) =>
  on.manager.createQueryBuilder(Line, 'l').select('1').where('l.orderId = o.id');
const locked = (call) => ({ call, needsTransaction: true });

export const SELECT = {
  'SelectQueryBuilder: raw columns': ({ manager }) =>
    manager
      .createQueryBuilder()
      .select('o.item', 'item')
      .addSelect('o.quantity', 'quantity')
      .addSelect((sub) => sub.select('count(*)').from(Line, 'l').where('l.orderId = o.id'), 'lines')
      .from(Order, 'o')
      .addFrom(Customer, 'c')
      .where('c.id = o.customerId')
      .orderBy('o.id', 'DESC')
      .addOrderBy('c.name', 'ASC', 'NULLS LAST')
      .getRawMany(),
  'SelectQueryBuilder.fromDummy': ({ manager }) =>
    manager.createQueryBuilder().select('1', 'one').fromDummy().getRawOne(),
  'SelectQueryBuilder.subQuery': (on) => {
    const builder = select(on);
    const sub = builder.subQuery().select('max(x.quantity)').from(Order, 'x').getQuery();
    return builder.where(`o.quantity = ${sub}`).getMany();
  },
  'SelectQueryBuilder: conditions': (on) =>
    select(on)
      .where('o.quantity > :least', { least: 100 })
      .orWhere(new Brackets((q) => q.where('o.item = :item', { item: 'apple' })))
      .andWhere({ quantity: 3 })
      .getMany(),
  'SelectQueryBuilder: ids': (on) =>
    select(on).whereInIds([1, 2]).andWhereInIds(1).orWhereInIds([3]).getMany(),
  'SelectQueryBuilder: existence': (on) =>
    select(on)
      .whereExists(linesOf(on))
      .andWhereExists(linesOf(on))
      .orWhereExists(linesOf(on).andWhere('false'))
      .getMany(),
  'SelectQueryBuilder: groups': ({ orders }) =>
    orders
      .createQueryBuilder('o')
      .select('o.customerId', 'customer')
      .addSelect('count(*)::int', 'orders')
      .groupBy('o.customerId')
      .addGroupBy('o.note')
      .having('count(*) > :least', { least: 100 })
      .orHaving('count(*) > 0')
      .andHaving('count(*) < 100')
      .orderBy('o.customerId')
      .addOrderBy('o.note')
      .getRawMany(),
  'SelectQueryBuilder.distinct': ({ orders }) =>
    orders
      .createQueryBuilder('o')
      .select('o.customerId', 'c')
      .distinct(true)
      .orderBy('1')
      .getRawMany(),
  'SelectQueryBuilder.distinctOn': ({ orders }) =>
    orders
      .createQueryBuilder('o')
      .distinctOn(['o.customerId'])
      .orderBy('o.customerId')
      .addOrderBy('o.id')
      .getMany(),
  'SelectQueryBuilder: joins': (on) =>
    select(on)
      .innerJoin('o.customer', 'c')
      .leftJoin('o.tags', 't')
      .addSelect('t.label')
      .where('c.name = :name', { name: 'Ada' })
      .getMany(),
  'SelectQueryBuilder: joins that select': (on) =>
    select(on)
      .innerJoinAndSelect('o.customer', 'c')
      .leftJoinAndSelect('o.lines', 'l', 'l.product <> :product', { product: 'soil' })
      .addOrderBy('l.id')
      .getMany(),
  'SelectQueryBuilder: joins that map': (on) =>
    select(on)
      .leftJoinAndMapMany('o.all', 'o.lines', 'l')
      .leftJoinAndMapOne('o.seed', 'o.lines', 's', `s.product = 'seed'`)
      .innerJoinAndMapMany('o.buyers', 'o.customer', 'b')
      .innerJoinAndMapOne('o.buyer', Customer, 'c', 'c.id = o.customerId')
      .addOrderBy('l.id')
      .getMany(),
  'SelectQueryBuilder.loadRelationIdAndMap': (on) =>
    select(on).loadRelationIdAndMap('o.lineIds', 'o.lines').getMany(),
  'SelectQueryBuilder.loadRelationCountAndMap': (on) =>
    select(on).loadRelationCountAndMap('o.lineCount', 'o.lines').getMany(),
  'SelectQueryBuilder.loadAllRelationIds': (on) => select(on).loadAllRelationIds().getMany(),
  'SelectQueryBuilder.concatRelationMetadata': (on) => {
    const builder = select(on);
    const { relations } = on.orders.metadata;
    builder.concatRelationMetadata(relations.find(({ propertyName }) => propertyName === 'lines'));
    return builder.setFindOptions({ relationLoadStrategy: 'query' }).getMany();
  },
  'SelectQueryBuilder.setFindOptions': ({ orders }) =>
    orders
      .createQueryBuilder('o')
      .setFindOptions({
        where: { customer: { name: 'Ada' } },
        relations: { lines: true, customer: true },
        relationLoadStrategy: 'query',
        order: { id: 'ASC' },
      })
      .getMany(),
  'SelectQueryBuilder: a page': (on) => select(on).limit(1).offset(1).getMany(),
  'SelectQueryBuilder: a page with joins': (on) =>
    select(on).leftJoinAndSelect('o.tags', 't').skip(0).take(2).getMany(),
  'SelectQueryBuilder.withDeleted': (on) => select(on).withDeleted().getMany(),
  'SelectQueryBuilder.cache': (on) => select(on).cache(true).getMany(),
  'SelectQueryBuilder.cache: by name': (on) => select(on).cache('orders', 60_000).getManyAndCount(),
  'SelectQueryBuilder.setOption': (on) => select(on).setOption('disable-global-order').getMany(),
  'SelectQueryBuilder.maxExecutionTime': (on) => select(on).maxExecutionTime(10_000).getMany(),
  // For other databases: without effect on Postgres, outside and inside.
  'SelectQueryBuilder.useIndex': (on) => select(on).useIndex('any').getMany(),
  'SelectQueryBuilder.timeTravelQuery': (on) => select(on).timeTravelQuery(true).getMany(),

  'SelectQueryBuilder.setLock: optimistic': (on) =>
    select(on).where('o.id = 1').setLock('optimistic', 1).getOne(),
  'SelectQueryBuilder.setLock: of an old version': (on) =>
    select(on).where('o.id = 1').setLock('optimistic', 2).getOne(),
  'SelectQueryBuilder.setLock: pessimistic': locked((on) =>
    select(on).setLock('pessimistic_read').getMany(),
  ),
  'SelectQueryBuilder.setOnLocked': locked((on) =>
    select(on).setLock('pessimistic_write').setOnLocked('skip_locked').getMany(),
  ),

  'SelectQueryBuilder.getMany': (on) => select(on).getMany(),
  'SelectQueryBuilder.getManyAndCount': (on) => select(on).take(2).getManyAndCount(),
  'SelectQueryBuilder.getOne': (on) => select(on).getOne(),
  'SelectQueryBuilder.getOneOrFail': (on) => select(on).getOneOrFail(),
  'SelectQueryBuilder.getOneOrFail: missing': (on) => select(on).where('false').getOneOrFail(),
  'SelectQueryBuilder.getRawOne': (on) => select(on).select('o.item', 'item').getRawOne(),
  'SelectQueryBuilder.getRawAndEntities': (on) => select(on).getRawAndEntities(),
  'SelectQueryBuilder.getCount': (on) => select(on).getCount(),
  'SelectQueryBuilder.getExists': (on) => select(on).where('o.quantity > 7').getExists(),
  'SelectQueryBuilder.getQuery': (on) => select(on).getQuery(),
  'SelectQueryBuilder.stream': async (on) => {
    const rows = [];
    for await (const row of await select(on).stream()) rows.push(row);
    return rows;
  },
};
