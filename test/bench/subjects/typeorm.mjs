// TypeORM's `query()` with the statements of `raw`: unnamed, so that each call sends and plans them.
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { INSERT_ORDER, orderOf } from '../job.mjs';
import {
  INSERT_MANY,
  INSERT_UNIQUE,
  insertOne,
  manyValuesOf,
  uniqueValuesOf,
  valuesOf,
} from './river-sql.mjs';

export async function open({ url }) {
  const dataSource = new DataSource({ type: 'postgres', url, poolSize: 10 });
  await dataSource.initialize();
  const transaction = (number) =>
    dataSource.transaction(async (manager) => {
      await manager.query(INSERT_ORDER, orderOf(number));
      await manager.query(insertOne('public'), valuesOf(number));
    });
  return {
    insert: (number, schema) => dataSource.query(insertOne(schema), valuesOf(number)),
    insertUnique: (number) => dataSource.query(INSERT_UNIQUE, uniqueValuesOf(number)),
    insertMany: (first, count) => dataSource.query(INSERT_MANY, manyValuesOf(first, count)),
    transaction,
    transactionOfTypeorm: transaction,
    close: () => dataSource.destroy(),
  };
}
