import { EventEmitter, once } from 'node:events';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { expect, test } from '@jest/globals';
import { JobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { RiverWorker, RiverWorkerModule, Work, type JobEvent } from 'nestjs-river/worker';
import { DataSource } from 'typeorm';
import { withApplication } from '../module/applications.js';
import { createTestDatabase, queryAll } from '../support/index.js';

@JobArgs('holding')
class Holding {}

/** Its jobs hold every connection of the application's pool. */
@Injectable()
class HoldingWorker {
  readonly events = new EventEmitter();

  constructor(private readonly dataSource: DataSource) {}

  @Work(Holding)
  async hold(): Promise<void> {
    await this.dataSource.transaction(async () => {
      const released = once(this.events, 'released');
      this.events.emit('begun');
      await released;
    });
  }
}

test('Jobs that hold the whole pool of the application do not keep others from being worked', async () => {
  const database = await createTestDatabase();
  await withApplication(
    [
      TypeOrmModule.forRoot({ type: 'postgres', url: database.url, poolSize: 2 }),
      RiverModule.forRoot(),
      RiverWorkerModule.forRoot({ queues: { default: 10 }, works: { quick: () => undefined } }),
      { module: class HoldingModule {}, providers: [HoldingWorker] },
    ],
    async (app) => {
      const { events } = app.get(HoldingWorker, { strict: false });
      let begun = 0;
      const all = new Promise<void>((resolve) =>
        events.on('begun', () => (begun += 1) === 2 && resolve()),
      );
      await app.get(RiverClient).insertMany([new Holding(), new Holding()]);
      await all;
      const insert = `insert into river_job (args, kind, max_attempts) values ('{}', 'quick', 25)`;
      const completed = app.get(RiverWorker).events('completed');
      await queryAll(database, insert);
      const { value } = (await completed.next()) as IteratorYieldResult<JobEvent>;

      expect(value).toMatchObject({ job: { kind: 'quick', state: 'completed' } });
      events.emit('released');
      await completed.return?.();
    },
  );
});
