import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { RiverClient, RiverModule, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { DataSource } from 'typeorm';
import { ENTITIES } from './entities.mjs';

const options = (url) => ({
  type: 'postgres',
  url,
  entities: ENTITIES,
  cache: true,
  // A call on a second connection that waits for the transaction's own locks fails by name.
  extra: { options: '-c lock_timeout=1000 -c synchronous_commit=off' },
});

/** TypeORM by itself. */
export const plainDataSource = (url) => new DataSource(options(url)).initialize();

class Service {
  async inTransaction(work) {
    return await work();
  }
}
Injectable()(Service);
const method = Object.getOwnPropertyDescriptor(Service.prototype, 'inTransaction');
RiverTransactional()(Service.prototype, 'inTransaction', method);
Object.defineProperty(Service.prototype, 'inTransaction', method);

/** An application on the same database, with our module. */
export async function startApplication(url) {
  class AppModule {}
  Module({
    imports: [
      TypeOrmModule.forRoot({ ...options(url), retryAttempts: 0 }),
      TypeOrmModule.forFeature(ENTITIES),
      RiverModule.forRoot({ notify: { cooldownMs: 0 } }),
    ],
    providers: [Service],
  })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: false,
    abortOnError: false,
  });
  const schemaOf = (target) => ENTITIES.find((each) => each.options?.target === target) ?? target;
  return {
    dataSource: app.get(DataSource),
    transaction: app.get(RiverTransaction),
    river: app.get(RiverClient),
    service: app.get(Service),
    injected: (target) => app.get(getRepositoryToken(schemaOf(target))),
    close: () => app.close(),
  };
}
