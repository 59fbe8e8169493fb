// A Node worker of the fleet in worker-fleet.mjs: node fleet-worker.mjs '{"url":"…","clientId":"…"}'
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { jobArgs, RiverModule } from '../../dist/lib/index.js';
import { Periodic, RiverWorkerModule, Work } from '../../dist/lib/worker/index.js';

const {
  url,
  clientId,
  slots,
  timeoutMs,
  rescueAfterMs,
  periodicMs,
  maintenance = 'elect',
} = JSON.parse(process.argv[2]);

class Worker {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async plain({ args }) {
    await sleep(args.ms);
  }

  tick() {
    return jobArgs('plain', { ms: 0 });
  }

  async transactional(job) {
    await this.dataSource.query('insert into effect (job_id, attempt) values ($1, $2)', [
      job.id,
      job.attempt,
    ]);
    await sleep(job.args.ms);
  }
}
Reflect.defineMetadata('design:paramtypes', [DataSource], Worker);
if (periodicMs !== undefined) decorate('tick', Periodic({ id: 'node-tick', everyMs: periodicMs }));
decorate('plain', Work('plain'));
decorate('transactional', Work('transactional', { transaction: true }));

const app = await NestFactory.createApplicationContext(
  {
    module: class Application {},
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url, poolSize: slots }),
      RiverModule.forRoot(),
      RiverWorkerModule.forRoot({
        queues: { default: slots, node: slots },
        clientId,
        jobTimeoutMs: timeoutMs,
        rescueAfterMs,
        maintenance,
      }),
    ],
    providers: [Worker],
  },
  { logger: ['error', 'warn'] },
);
app.enableShutdownHooks();
console.log('ready');

function decorate(name, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(Worker.prototype, name);
  decorator(Worker.prototype, name, descriptor);
  Object.defineProperty(Worker.prototype, name, descriptor);
}
