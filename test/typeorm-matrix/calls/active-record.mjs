import { Note, Order } from '../entities.mjs';

const order = (values) => Object.assign(new Order(), values);

/** What BaseEntity has beside that which it shares with repositories. */
export const ACTIVE_RECORD = {
  'BaseEntity.hasId': () => order({ id: 1 }).hasId(),
  'BaseEntity.save': () => order({ item: 'new' }).save(),
  'BaseEntity.save: with what cascades': () =>
    order({ item: 'new', lines: [{ product: 'a' }], tags: [{ label: 'pink' }] }).save(),
  'BaseEntity.remove': () => order({ id: 1 }).remove(),
  'BaseEntity.softRemove': () => order({ id: 1 }).softRemove(),
  'BaseEntity.recover': () => order({ id: 4 }).recover(),
  'BaseEntity.reload': async () => {
    const one = order({ id: 1 });
    await one.reload();
    return one;
  },
  'BaseEntity.static getRepository': () => Order.getRepository().save({ item: 'new' }),
  'BaseEntity.static useDataSource': ({ dataSource }) => Note.useDataSource(dataSource),
  'BaseEntity.static query': () => Order.query('select item from orders where id = $1', [1]),
};
