// What EntityManager, Repository and the static side of BaseEntity have in common.
import { In, MoreThan } from 'typeorm';
import { Note, Order } from '../entities.mjs';

const order = (values) => Object.assign(new Order(), values);
const byId = (builder) => builder.orderBy('o.id').getMany();

/** By the method, and after a colon in which way: its arguments, or those for another entity. */
const ARGS = {
  create: () => [{ item: 'new', quantity: 2 }],
  'create: several': () => [[{ item: 'new' }, { item: 'newer' }]],
  createQueryBuilder: { args: () => ['o'], then: byId },
  merge: () => [order({ id: 1 }), { item: 'merged' }, { note: 'twice' }],
  hasId: () => [order({ id: 1 })],
  getId: () => [order({ id: 1 })],
  preload: () => [{ id: 1, item: 'preloaded' }],
  'preload: missing': () => [{ id: 9 }],

  save: () => [{ item: 'new', quantity: 2 }],
  'save: an update': () => [{ id: 1, quantity: 9 }],
  'save: an entity': () => [order({ item: 'new' })],
  'save: several': () => [[{ item: 'new' }, { id: 2, note: 'updated' }, { item: 'newer' }]],
  'save: in chunks': () => [[{ item: 'a' }, { item: 'b' }, { item: 'c' }], { chunk: 1 }],
  'save: without a transaction': () => [{ item: 'new' }, { transaction: false }],
  'save: not read again': () => [{ item: 'new' }, { reload: false }],
  'save: nothing': () => [[]],
  'save: with what cascades': () => [
    { item: 'new', lines: [{ product: 'a' }, { product: 'b' }], tags: [{ label: 'pink' }] },
  ],
  remove: () => [order({ id: 1 })],
  'remove: several': () => [[order({ id: 1 }), order({ id: 2 })]],
  softRemove: () => [order({ id: 1 })],
  'softRemove: with what cascades': () => [
    order({ id: 1, lines: [{ id: 1, product: 'seed' }], tags: [] }),
  ],
  recover: () => [order({ id: 4 })],

  insert: () => [{ item: 'new', quantity: 2 }],
  'insert: several': () => [[{ item: 'new' }, { item: 'newer' }]],
  'insert: an expression': () => [{ item: () => `upper('new')` }],
  update: () => [1, { quantity: 9 }],
  'update: by several ids': () => [[1, 2], { quantity: 9 }],
  'update: by criteria': () => [{ quantity: MoreThan(4) }, { note: 'many' }],
  'update: by an operator': () => [{ item: In(['apple', 'plum']) }, { note: 'listed' }],
  'update: an expression': () => [{ id: 1 }, { quantity: () => 'quantity * 2' }],
  'update: nothing found': () => [99, { quantity: 9 }],
  'update: no criteria': () => [{}, { quantity: 9 }],
  updateAll: () => [{ quantity: 7 }],
  upsert: () => [{ item: 'apple', quantity: 9 }, ['item']],
  'upsert: several, with options': () => [
    [
      { item: 'apple', quantity: 3 },
      { item: 'new', quantity: 2 },
    ],
    { conflictPaths: ['item'], skipUpdateIfNoValuesChanged: true },
  ],
  delete: () => [1],
  'delete: by several ids': () => [[1, 2]],
  'delete: by criteria': () => [{ item: 'pear' }],
  'delete: no criteria': () => [{}],
  deleteAll: { target: Note, args: () => [] },
  softDelete: () => [1],
  'softDelete: by criteria': () => [{ quantity: MoreThan(4) }],
  'softDelete: no criteria': () => [{}],
  restore: () => [4],
  'restore: by criteria': () => [{ item: 'gone' }],
  increment: () => [{ id: 1 }, 'quantity', 2],
  'increment: not a number': () => [{ id: 1 }, 'quantity', 'many'],
  'increment: not a column': () => [{ id: 1 }, 'colour', 2],
  decrement: () => [{ item: 'plum' }, 'quantity', 2],
  'decrement: a text': () => [{ item: 'plum' }, 'quantity', '2'],
  clear: { target: Note, args: () => [] },

  exist: () => [{ where: { item: 'apple' } }],
  exists: () => [{ where: { item: 'apple' } }],
  'exists: not': () => [{ where: { item: 'fig' } }],
  existsBy: () => [{ item: 'pear' }],
  count: () => [],
  'count: with options': () => [{ where: { quantity: MoreThan(4) }, withDeleted: true }],
  countBy: () => [{ quantity: MoreThan(4) }],
  sum: () => ['quantity'],
  average: () => ['quantity', { customer: { id: 1 } }],
  minimum: () => ['quantity', {}],
  maximum: () => ['quantity', { quantity: MoreThan(100) }],
  find: () => [{ order: { id: 'ASC' } }],
  'find: with relations': () => [
    { relations: { lines: true, tags: true }, order: { id: 'ASC', lines: { id: 'ASC' } } },
  ],
  'find: with relations by their own queries': () => [
    {
      relations: { lines: true, tags: true },
      relationLoadStrategy: 'query',
      order: { id: 'ASC' },
    },
  ],
  'find: a page': () => [
    { select: { id: true, item: true }, order: { id: 'DESC' }, skip: 1, take: 1 },
  ],
  'find: a page with relations': () => [
    { relations: { lines: true }, order: { id: 'ASC' }, skip: 0, take: 2 },
  ],
  'find: the deleted ones too': () => [{ withDeleted: true, order: { id: 'ASC' } }],
  'find: cached': () => [{ cache: { id: 'orders', milliseconds: 60_000 }, order: { id: 'ASC' } }],
  'find: locked': {
    args: () => [{ where: { id: 1 }, lock: { mode: 'pessimistic_write' } }],
    needsTransaction: true,
  },
  'find: ids of relations': () => [{ loadRelationIds: true, order: { id: 'ASC' } }],
  findBy: () => [{ item: In(['apple']) }],
  findAndCount: () => [{ order: { id: 'ASC' }, take: 2 }],
  findAndCountBy: () => [{ quantity: MoreThan(7) }],
  findByIds: () => [[1]],
  findOne: () => [{ where: { item: 'apple' }, relations: { customer: true } }],
  'findOne: missing': () => [{ where: { item: 'fig' } }],
  'findOne: without where': () => [{}],
  findOneBy: () => [{ item: 'apple' }],
  findOneById: () => [1],
  findOneOrFail: () => [{ where: { item: 'apple' } }],
  'findOneOrFail: missing': () => [{ where: { item: 'fig' } }],
  findOneByOrFail: () => [{ item: 'apple' }],
  'findOneByOrFail: missing': () => [{ item: 'fig' }],
};

/** The three ways to say the same, with and without the entity's class as the first argument. */
const WAYS = {
  EntityManager: (name, target, args) => (on) => on.manager[name](target, ...args()),
  Repository: (name, target, args) => (on) => on.repository(target)[name](...args()),
  'BaseEntity.static': (name, target, args) => () => target[name](...args()),
};

/** @type {Record<string, Partial<import('./index.mjs').Call>>} */
export const ON_TARGET = {};
for (const [way, make] of Object.entries(WAYS)) {
  for (const [title, given] of Object.entries(ARGS)) {
    const {
      args,
      target = Order,
      then,
      ...rest
    } = typeof given === 'function' ? { args: given } : given;
    const call = make(title.split(':')[0], target, args);
    // Which active record joins no transaction of TypeORM's.
    if (rest.needsTransaction && way.startsWith('BaseEntity')) continue;
    const separator = way.includes('.') ? ' ' : '.';
    ON_TARGET[`${way}${separator}${title}`] = {
      ...rest,
      call: then === undefined ? call : (on) => then(call(on)),
    };
  }
}
