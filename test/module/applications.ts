import {
  Logger,
  type DynamicModule,
  type INestApplicationContext,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverConfigurationError } from 'nestjs-river';
import type { TestDatabase } from '../support/index.js';

export type Imports = (DynamicModule | Type | Promise<DynamicModule>)[];

/** Starts an application of these modules. The test closes it. */
export async function start(imports: Imports): Promise<INestApplicationContext> {
  const module = await Test.createTestingModule({ imports }).compile();
  return await module.init();
}

/** Starts an application, hands it out, and closes it. */
export async function withApplication<T>(
  imports: Imports,
  use: (app: INestApplicationContext) => Promise<T> | T,
): Promise<T> {
  const app = await start(imports);
  try {
    return await use(app);
  } finally {
    await app.close();
  }
}

/** Why an application of these modules does not start. */
export async function startError(imports: Imports): Promise<unknown> {
  try {
    await (await start(imports)).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** As {@link startError}, for the module's own error. */
export async function configurationError(imports: Imports): Promise<RiverConfigurationError> {
  const error = await startError(imports);
  if (error instanceof RiverConfigurationError) return error;
  throw new Error('started, or failed with another error', { cause: error });
}

/** The data source of @nestjs/typeorm that applications usually have. */
export function typeOrm({ url }: TestDatabase, name?: string): DynamicModule {
  return TypeOrmModule.forRoot({
    type: 'postgres',
    url,
    retryAttempts: 0,
    ...(name === undefined ? {} : { name }),
  });
}

/** Keeps Nest and TypeORM from printing the errors that a test provokes. */
export function silence(): void {
  Logger.overrideLogger(false);
}
