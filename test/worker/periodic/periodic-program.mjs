// A process of a fleet that does nothing but insert two periodic jobs, until it is killed.
import 'reflect-metadata';
import { jobArgs, RiverClient } from 'nestjs-river';
import { DataSource } from 'typeorm';
import { SchemaName } from '../../../dist/lib/postgres/connection/schema-name.js';
import { OutageLog } from '../../../dist/lib/worker/outage-log.js';
import { PeriodicJobs } from '../../../dist/lib/worker/periodic/periodic-jobs.js';
import { everyMs } from '../../../dist/lib/worker/periodic/schedule.js';
import { WorkerDatabase } from '../../../dist/lib/worker/worker-database.js';

const [url, ...periods] = process.argv.slice(2);
const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
const schema = new SchemaName(undefined);
const options = { max: 2, schema, preparedStatements: undefined };
const { connection } = await WorkerDatabase.open(dataSource, options);
const jobs = periods.map((period) => ({
  id: `every-${period}`,
  schedule: everyMs(Number(period)),
  runOnStart: false,
  make: () => jobArgs('periodic', { process: process.pid }),
}));
const core = { connection, schema, outages: new OutageLog() };
await new PeriodicJobs(core, { client: new RiverClient(dataSource, {}), jobs }).start();
process.send?.('started');
