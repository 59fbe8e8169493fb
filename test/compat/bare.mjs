/**
 * The package with its peers and nothing else: neither Nest's package for TypeORM nor one for HTTP.
 * Run in the folder where they are installed, with the URL of a database.
 */
import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { jobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { DataSource } from 'typeorm';

const [, , url] = process.argv;
const dataSource = {
  provide: DataSource,
  useFactory: () => new DataSource({ type: 'postgres', url }).initialize(),
};
class DatabaseModule {}
Module({ providers: [dataSource], exports: [DataSource] })(DatabaseModule);
Global()(DatabaseModule);

class AppModule {}
Module({ imports: [DatabaseModule, RiverModule.forRoot()] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: false,
  abortOnError: false,
});
const { job } = await app.get(RiverClient).insert(jobArgs('bare', {}));
if (job.kind !== 'bare') throw new Error('nothing was inserted');
await app.close();
await app.get(DataSource).destroy();
console.log('ok   a DataSource that is provided by hand');
