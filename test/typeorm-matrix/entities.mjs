// A shop, and a tree of every kind. Without decorator syntax, which Node does not have.
import {
  BaseEntity,
  Column,
  Entity,
  EntitySchema,
  PrimaryGeneratedColumn,
  Tree,
  TreeChildren,
  TreeParent,
} from 'typeorm';

export class Customer {}
export class Order extends BaseEntity {}
export class Line {}
export class Tag {}
/** Referenced by nothing, so that it can be truncated. */
export class Note extends BaseEntity {}
export class ClosureNode {}
export class PathNode {}
export class NestedNode {}

const id = { type: Number, primary: true, generated: true };
const text = { type: 'text' };

/** By decorators as functions: in TypeORM 0.3.20, a schema says nothing of trees. */
function tree(target, tableName, type) {
  Entity(tableName)(target);
  Tree(type)(target);
  PrimaryGeneratedColumn({ type: 'int' })(target.prototype, 'id');
  Column('text')(target.prototype, 'name');
  TreeParent()(target.prototype, 'parent');
  TreeChildren()(target.prototype, 'children');
  return target;
}

export const ENTITIES = [
  new EntitySchema({
    name: 'Customer',
    target: Customer,
    tableName: 'customers',
    columns: { id, name: text },
    relations: {
      orders: { type: 'one-to-many', target: 'Order', inverseSide: 'customer', lazy: true },
    },
  }),
  new EntitySchema({
    name: 'Order',
    target: Order,
    tableName: 'orders',
    columns: {
      id,
      item: { ...text, unique: true },
      quantity: { type: 'int', default: 1 },
      note: { ...text, nullable: true },
      version: { type: 'int', version: true },
      createdAt: { type: 'timestamptz', createDate: true },
      updatedAt: { type: 'timestamptz', updateDate: true },
      deletedAt: { type: 'timestamptz', deleteDate: true },
    },
    relations: {
      customer: { type: 'many-to-one', target: 'Customer', inverseSide: 'orders', nullable: true },
      lines: { type: 'one-to-many', target: 'Line', inverseSide: 'order', cascade: true },
      tags: {
        type: 'many-to-many',
        target: 'Tag',
        cascade: true,
        joinTable: { name: 'orders_tags' },
      },
    },
  }),
  new EntitySchema({
    name: 'Line',
    target: Line,
    tableName: 'lines',
    columns: { id, product: text, deletedAt: { type: 'timestamptz', deleteDate: true } },
    relations: {
      order: { type: 'many-to-one', target: 'Order', inverseSide: 'lines', onDelete: 'CASCADE' },
    },
  }),
  new EntitySchema({ name: 'Tag', target: Tag, tableName: 'tags', columns: { id, label: text } }),
  new EntitySchema({
    name: 'Note',
    target: Note,
    tableName: 'notes',
    columns: { id, label: text },
  }),
  tree(ClosureNode, 'closure_nodes', 'closure-table'),
  tree(PathNode, 'path_nodes', 'materialized-path'),
  tree(NestedNode, 'nested_nodes', 'nested-set'),
];

/** All tables, each after those that refer to it. */
export const TABLES = [
  'orders_tags',
  'lines',
  'orders',
  'customers',
  'tags',
  'notes',
  'closure_nodes_closure',
  'closure_nodes',
  'path_nodes',
  'nested_nodes',
];

/** Stores what every call finds, by TypeORM itself. */
export async function plant({ manager }) {
  const [ada, bob] = await manager.save(Customer, [{ name: 'Ada' }, { name: 'Bob' }]);
  const [red] = await manager.save(Tag, [{ label: 'red' }, { label: 'blue' }, { label: 'green' }]);
  await manager.save(Order, [
    {
      item: 'apple',
      quantity: 3,
      customer: ada,
      lines: [{ product: 'seed' }, { product: 'soil' }],
      tags: [red],
    },
    { item: 'pear', quantity: 5, note: 'ripe', customer: ada, lines: [{ product: 'pot' }] },
    { item: 'plum', quantity: 8, customer: bob },
    { item: 'gone', quantity: 1, deletedAt: new Date(0) },
  ]);
  await manager.save(Note, [{ label: 'first' }, { label: 'second' }]);
  for (const target of [ClosureNode, PathNode, NestedNode]) {
    const root = await manager.save(target, { name: 'root' });
    const child = await manager.save(target, { name: 'child', parent: root });
    await manager.save(target, { name: 'leaf', parent: child });
    await manager.save(target, { name: 'other leaf', parent: root });
  }
}
