// What ordinary applications write first, over several calls.
import { Customer, Line, Note, Order } from '../entities.mjs';

export const ORDINARY = {
  'the README: manager.update(Order, orderId, { ... })': ({ manager }) =>
    manager.update(Order, 1, { note: 'closed' }),
  'save what was found': async ({ orders }) => {
    const order = await orders.findOneByOrFail({ item: 'apple' });
    order.quantity += 1;
    await orders.save(order);
    return await orders.findOneByOrFail({ item: 'apple' });
  },
  'update, then save the same row': async ({ orders }) => {
    await orders.update(1, { note: 'updated' });
    const order = await orders.findOneByOrFail({ id: 1 });
    order.note += ', saved';
    return await orders.save(order);
  },
  'remove what was found': async ({ orders }) => {
    const found = await orders.find({ where: { customer: { id: 1 } }, order: { id: 'ASC' } });
    return await orders.remove(found);
  },
  'softRemove and recover with what cascades': async ({ orders }) => {
    const where = {
      where: { id: 1 },
      relations: { lines: true },
      withDeleted: true,
      order: { lines: { id: 'ASC' } },
    };
    await orders.softRemove(await orders.findOneOrFail(where));
    const deleted = await orders.findOneOrFail(where);
    await orders.recover(deleted);
    return [deleted, await orders.findOneOrFail(where)];
  },
  'a cascade that inserts, updates and unlinks': async ({ orders }) => {
    const order = await orders.findOneOrFail({
      where: { id: 1 },
      relations: { lines: true, tags: true },
      order: { lines: { id: 'ASC' } },
    });
    order.lines[0].product = 'changed';
    order.lines.push(Object.assign(new Line(), { product: 'added' }));
    order.tags = [];
    await orders.save(order);
    return await orders.findOneOrFail({
      where: { id: 1 },
      relations: { lines: true, tags: true },
      order: { lines: { id: 'ASC' } },
    });
  },
  'a lazy relation': async ({ repository }) => {
    const customer = await repository(Customer).findOneByOrFail({ name: 'Ada' });
    return (await customer.orders).map(({ item }) => item).sort();
  },
  'a lazy relation that is set': async ({ repository, orders }) => {
    const customer = await repository(Customer).findOneByOrFail({ name: 'Bob' });
    customer.orders = Promise.resolve([await orders.findOneByOrFail({ id: 1 })]);
    await repository(Customer).save(customer);
    return await orders.find({ relations: { customer: true }, order: { id: 'ASC' } });
  },
  'several at once': ({ orders, repository }) =>
    Promise.all([
      orders.save({ item: 'new' }).then(({ item }) => item),
      orders.update(1, { note: 'at once' }),
      orders.increment({ id: 2 }, 'quantity', 1),
      repository(Note).delete(1),
      orders.existsBy({ item: 'plum' }),
    ]),
  'dataSource.query': ({ dataSource }) =>
    dataSource.query('delete from notes where id = $1 returning label', [1]),
  'dataSource.getRepository': ({ dataSource }) =>
    dataSource.getRepository(Order).update(1, { note: 'by the data source' }),
  'dataSource.manager': ({ dataSource }) => dataSource.manager.softDelete(Order, 1),
  'dataSource.createQueryBuilder': ({ dataSource }) =>
    dataSource.createQueryBuilder().delete().from(Note).where('id = :id', { id: 1 }).execute(),
  'dataSource.transaction': ({ dataSource }) =>
    dataSource.transaction(async (manager) => {
      await manager.update(Order, 1, { note: 'in a transaction' });
      return await manager.decrement(Order, { id: 2 }, 'quantity', 1);
    }),
  'repository.manager.transaction': ({ orders }) =>
    orders.manager.transaction((manager) => manager.restore(Order, 4)),
};
