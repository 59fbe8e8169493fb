import { EntitySchema, type DataSource } from 'typeorm';
import { JobArgs, type IsolationLevel, type RiverModuleOptions } from 'nestjs-river';
import { queryAll, type TestDatabase } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from '../client/started-client.js';

/** Business data, to be stored with its jobs or not at all. */
export interface Order {
  id?: number;
  item: string;
}

export const OrderEntity = new EntitySchema<Order>({
  name: 'order',
  tableName: 'orders',
  columns: {
    id: { type: Number, primary: true, generated: true },
    item: { type: String, unique: true },
  },
});

@JobArgs('send_receipt')
export class SendReceipt {
  constructor(readonly item: string) {}
}

export const CREATE_ORDERS = `
  create table orders (
    id serial primary key,
    item text not null unique,
    deferred int unique deferrable initially deferred
  )`;

/** A client whose database has a table of orders; one that is given is expected to have it. */
export async function startShop({
  max = 10,
  database,
  river,
  ...options
}: {
  max?: number;
  extra?: Record<string, unknown>;
  isolationLevel?: IsolationLevel;
  database?: TestDatabase;
  river?: RiverModuleOptions;
} = {}): Promise<StartedClient> {
  const client = await startClient({
    ...(database && { database }),
    dataSource: { entities: [OrderEntity], max, ...options },
    river: { notify: { cooldownMs: 0 }, ...river },
  });
  if (database === undefined) await queryAll(client.database, CREATE_ORDERS);
  return client;
}

/** What of both is committed. */
export async function stored(
  database: TestDatabase,
): Promise<{ readonly orders: string[]; readonly jobs: number }> {
  const orders = await queryAll<Order>(database, 'select item from orders order by id');
  return { orders: orders.map(({ item }) => item), jobs: await countJobs(database) };
}

export const NOTHING = { orders: [], jobs: 0 };

export async function forget(database: TestDatabase): Promise<void> {
  // TRUNCATE makes the files of both tables and of their indexes anew, which takes ten times as long.
  await queryAll(database, 'delete from orders; delete from river_job');
}

/** What of the pool is in use; all of it is 0 when everything was given back. */
export function inUse(dataSource: DataSource): Readonly<Record<string, number>> {
  const { master, connectedQueryRunners } = dataSource.driver as unknown as {
    readonly master: { totalCount: number; idleCount: number; waitingCount: number };
    readonly connectedQueryRunners: readonly unknown[];
  };
  const { totalCount, idleCount, waitingCount } = master;
  return {
    connections: totalCount - idleCount,
    waiting: waitingCount,
    runners: connectedQueryRunners.length,
  };
}

export const NOT_IN_USE = { connections: 0, waiting: 0, runners: 0 };
