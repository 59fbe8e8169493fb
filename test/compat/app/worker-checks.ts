import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import { JobCancelledError, RiverClient } from 'nestjs-river';
import { RiverWorker } from 'nestjs-river/worker';
import { DataSource } from 'typeorm';
import { check } from './check.js';
import { Filtered, Slow, SlowJobs, Worked, WorkerAppModule } from './worker-app.js';

const QUIET = { logger: false, abortOnError: false } as const;

/** Jobs that are worked in the application itself. */
export async function workerChecks(url: string): Promise<void> {
  const app = await NestFactory.createApplicationContext(WorkerAppModule.with(url), QUIET);
  const river = app.get(RiverClient);
  await check('what is bound to a method runs for a job, and nothing global does', async () => {
    const { job, output } = await river.insertAndWait(new Worked(1));
    assert.deepEqual(output, { n: 2, isInjected: true });
    assert.equal(job.metadata['marked'], true);
    await assert.rejects(river.insertAndWait(new Filtered()), JobCancelledError);
  });
  await check('a job ends at the shutdown before a client is closed that it uses', async () => {
    const { job } = await river.insert(new Slow());
    const jobs = app.get(SlowJobs);
    await jobs.started;
    const worker = app.get(RiverWorker);
    const closed = app.close();
    // Whatever Nest calls at once has been called then.
    while (worker.status().isRunning) await new Promise(setImmediate);
    jobs.end();
    await closed;
    const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
    const rows: unknown = await dataSource.query(
      `select state, metadata->'output' as output from river_job where id = ${job.id}`,
    );
    await dataSource.destroy();
    assert.deepEqual(rows, [{ state: 'completed', output: { isOpen: true } }]);
  });
}
