import { Customer, Line, Note, Order, Tag } from '../entities.mjs';

const insert = ({ orders }) => orders.createQueryBuilder().insert();
const update = ({ orders }) => orders.createQueryBuilder().update();
const remove = ({ orders }) => orders.createQueryBuilder().delete();
const softDelete = ({ orders }) => orders.createQueryBuilder().softDelete();
/** In an object, a list is compared without its order. */
const unspecifiedOrder = (list) => ({ list });
const order = (values) => Object.assign(new Order(), values);

const INSERT = {
  'InsertQueryBuilder.into': ({ manager }) =>
    manager.createQueryBuilder().insert().into(Tag, ['label']).values({ label: 'new' }).execute(),
  'InsertQueryBuilder.values: several': (on) =>
    insert(on)
      .values([{ item: 'new' }, { item: 'newer', quantity: 2 }])
      .execute(),
  'InsertQueryBuilder.valuesFromSelect': ({ manager }) =>
    manager
      .createQueryBuilder()
      .insert()
      .into(Tag, ['label'])
      .valuesFromSelect((sub) => sub.select('n.label').from(Note, 'n').orderBy('n.id'))
      .execute(),
  'InsertQueryBuilder.returning': (on) =>
    insert(on).values({ item: 'new' }).returning('*').execute(),
  'InsertQueryBuilder.output': (on) =>
    insert(on).values({ item: 'new' }).output(['id', 'quantity']).execute(),
  'InsertQueryBuilder.updateEntity': async (on) => {
    const one = order({ item: 'new' });
    await insert(on).values(one).updateEntity(true).execute();
    return one;
  },
  'InsertQueryBuilder.orIgnore': (on) => insert(on).values({ item: 'apple' }).orIgnore().execute(),
  'InsertQueryBuilder.orUpdate': (on) =>
    insert(on).values({ item: 'apple', quantity: 9 }).orUpdate(['quantity'], ['item']).execute(),
  'InsertQueryBuilder.onConflict': (on) =>
    insert(on).values({ item: 'apple' }).onConflict('("item") do nothing').execute(),
  'InsertQueryBuilder.getQuery': (on) => insert(on).values({ item: 'new' }).getQuery(),
};

/** Postgres has neither an order nor a limit for these. */
const unordered = (builder) => builder.orderBy('id').addOrderBy('item').orderBy().limit(1).limit();

/** What updates, deletes and soft deletes share. */
const conditions = (of, finish = (builder) => builder.execute()) => ({
  where: (on) => finish(of(on).where('id = :id', { id: 1 })),
  andWhere: (on) => finish(of(on).where({ item: 'apple' }).andWhere('quantity = 3')),
  orWhere: (on) => finish(of(on).where('id = 1').orWhere('id = 2')),
  whereInIds: (on) => finish(of(on).whereInIds([1, 3])),
  andWhereInIds: (on) => finish(of(on).where('quantity > 4').andWhereInIds([1, 2])),
  orWhereInIds: (on) => finish(of(on).where('id = 1').orWhereInIds([2])),
  returning: (on) => finish(of(on).where('id = 1').returning('*')),
  output: (on) => finish(of(on).where('id = 1').output(['id', 'item'])),
  'execute: nothing found': (on) => finish(of(on).where('false')),
  getQuery: (on) => of(on).where('id = 1').getQuery(),
});
const named = (builder, table) =>
  Object.fromEntries(Object.entries(table).map(([name, call]) => [`${builder}.${name}`, call]));

const setNote = (on) => update(on).set({ note: 'set' });

const RELATION = {
  of: ({ manager }) => manager.createQueryBuilder().relation(Order, 'tags').of(2).add(3),
  add: (on) => relation(on, 'lines').add([3]),
  'add: by entities': ({ manager }) =>
    manager
      .createQueryBuilder()
      .relation(Order, 'tags')
      .of(order({ id: 2 }))
      .add([{ id: 1 }]),
  remove: (on) => relation(on, 'tags').remove(1),
  addAndRemove: (on) => relation(on, 'tags').addAndRemove([2, 3], [1]),
  set: (on) => relation(on, 'customer').set(2),
  'set: nothing': (on) => relation(on, 'customer').set(null),
  'set: on the wrong side': (on) => relation(on, 'lines').set(3),
  loadOne: (on) => relation(on, 'customer').loadOne(),
  loadMany: (on) => relation(on, 'lines').loadMany().then(unspecifiedOrder),
  getQuery: (on) => relation(on, 'lines').getQuery(),
};
const relation = ({ manager }, name) => manager.createQueryBuilder().relation(Order, name).of(1);

export const WRITES = {
  ...INSERT,
  ...named('UpdateQueryBuilder', {
    ...conditions(setNote),
    set: (on) =>
      update(on)
        .set({ quantity: () => 'quantity + 1' })
        .where({ id: 1 })
        .execute(),
    'set: nothing': (on) => update(on).set({}).where({ id: 1 }).execute(),
    whereEntity: (on) =>
      setNote(on)
        .whereEntity(order({ id: 1 }))
        .execute(),
    updateEntity: async (on) => {
      const one = order({ id: 1 });
      await setNote(on).whereEntity(one).updateEntity(true).execute();
      return one;
    },
    'orderBy: and limit': (on) => unordered(setNote(on).where({ id: 1 })).execute(),
    'limit: which Postgres has not': (on) => setNote(on).where({ id: 1 }).limit(1).execute(),
  }),
  ...named('DeleteQueryBuilder', {
    ...conditions(remove),
    from: ({ manager }) =>
      manager.createQueryBuilder().delete().from(Line).where({ id: 1 }).execute(),
  }),
  ...named('SoftDeleteQueryBuilder', {
    ...conditions(softDelete),
    from: ({ manager }) =>
      manager.createQueryBuilder().softDelete().from(Line).where({ id: 1 }).execute(),
    whereEntity: (on) =>
      softDelete(on)
        .whereEntity(order({ id: 1 }))
        .execute(),
    updateEntity: async (on) => {
      const one = order({ id: 1 });
      await softDelete(on).whereEntity(one).updateEntity(true).execute();
      return one;
    },
    'orderBy: and limit': (on) => unordered(softDelete(on).where({ id: 1 })).execute(),
  }),
  ...named('RelationQueryBuilder', RELATION),
  'RelationQueryBuilder: a lazy relation': ({ manager }) =>
    manager
      .createQueryBuilder()
      .relation(Customer, 'orders')
      .of(2)
      .loadMany()
      .then(unspecifiedOrder),
};
