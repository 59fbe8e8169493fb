import 'reflect-metadata';
import type { DynamicModule, INestApplication, Provider, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { RiverModule, type RiverModuleForRootOptions } from 'nestjs-river';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';
import { CREATE_ORDERS, forget, OrderEntity, stored } from '../transaction/orders.js';

/** A database with orders and jobs, and the data source of an application on it. */
export interface ShopDatabase extends TestDatabase {
  readonly dataSource: DataSource;
  stored(): ReturnType<typeof stored>;
  forget(): Promise<void>;
}

export async function createShopDatabase(max = 10): Promise<ShopDatabase> {
  const database = await createTestDatabase();
  await queryAll(database, CREATE_ORDERS);
  const dataSource = await createDataSource(database, { entities: [OrderEntity], max });
  return {
    ...database,
    dataSource,
    stored: () => stored(database),
    forget: () => forget(database),
  };
}

/** What an application is made of; `river` are the modules, by default one on `dataSource`. */
export interface ShopParts {
  readonly controllers?: Type[];
  readonly providers?: Provider[];
  readonly modules?: (DynamicModule | Type)[];
  readonly prepare?: (app: INestApplication) => void;
}

/** A booted application, talked to over HTTP. */
export interface ShopApp {
  readonly app: INestApplication;
  post(path: string, body?: unknown): Promise<Answer>;
  get(path: string): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export const riverOn = (
  dataSource: DataSource,
  options: RiverModuleForRootOptions = {},
): DynamicModule => RiverModule.forRoot({ notify: { cooldownMs: 0 }, ...options, dataSource });

export async function startShopApp({
  controllers = [],
  providers = [],
  modules = [],
  prepare,
}: ShopParts): Promise<ShopApp> {
  const testing = await Test.createTestingModule({
    imports: modules,
    controllers,
    providers,
  }).compile();
  const app = testing.createNestApplication({ logger: false });
  prepare?.(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, { ...init, headers: HEADERS });
    const text = await response.text();
    return { status: response.status, body: isJson(text) ? (JSON.parse(text) as unknown) : text };
  };
  return {
    app,
    get: (path) => call(path, {}),
    post: (path, body = {}) => call(path, { method: 'POST', body: JSON.stringify(body) }),
    stop: () => app.close(),
  };
}

/** Each request on a connection of its own, which so does not outlive the application. */
const HEADERS = { 'content-type': 'application/json', connection: 'close' };

function isJson(text: string): boolean {
  return /^[[{"\d]|^(null|true|false)$/.test(text);
}
