// One of several applications behind a pooler, with the default options. Takes the database's URL and how
// many transactions its callers run, and prints a line of JSON: how many succeeded, and the errors.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import {
  InsertManyParams,
  jobArgs,
  RiverClient,
  RiverModule,
  RiverTransaction,
} from 'nestjs-river';
import { DataSource, EntitySchema } from 'typeorm';

const CALLERS = 24;
const Note = new EntitySchema({
  name: 'note',
  columns: { id: { type: Number, primary: true, generated: true }, text: { type: String } },
});

const [url, count] = process.argv.slice(2);
const dataSource = await new DataSource({
  type: 'postgres',
  url,
  entities: [Note],
  extra: { max: CALLERS, query_timeout: 60_000, connectionTimeoutMillis: 30_000 },
}).initialize();
const app = await NestFactory.createApplicationContext(
  { module: class {}, imports: [RiverModule.forRoot({ dataSource })] },
  { logger: ['warn', 'error'] },
);
const river = app.get(RiverClient);
const transaction = app.get(RiverTransaction);
const notes = dataSource.getRepository(Note);

const uniqueOpts = { byArgs: true };
const byLock = { byArgs: true, byState: ['available', 'scheduled'] };
const jobs = (turn) => Array.from({ length: 3 }, (_, index) => jobArgs('listed', { turn, index }));
const withNote = (turn, insert) =>
  transaction.run(async () => {
    const { id } = await notes.save({ text: `${turn}` });
    await insert();
    await notes.findOneByOrFail({ id });
  });

/** Each ends in one transaction at least; the first is the ordinary one. */
const FORMS = [
  (turn) => withNote(turn, () => river.insert(jobArgs('plain', { turn }))),
  (turn) => withNote(turn, () => river.insertMany(jobs(turn))),
  (turn) =>
    withNote(turn, () => river.insert(jobArgs('unique', { turn: turn % 50 }), { uniqueOpts })),
  (turn) =>
    withNote(turn, () =>
      river.insert(jobArgs('locked', { turn: turn % 500 }), { uniqueOpts: byLock }),
    ),
  (turn) => withNote(turn, () => river.insertManyFast(jobs(turn))),
  (turn) => river.insert(jobArgs('plain', { turn })),
  (turn) => river.insertMany(jobs(turn)),
  (turn) => river.insert(jobArgs('unique', { turn: turn % 50 }), { uniqueOpts }),
  (turn) => river.insert(jobArgs('locked', { turn: turn % 500 }), { uniqueOpts: byLock }),
  (turn) =>
    river.insertManyFast(
      jobs(turn % 50).map((args) => InsertManyParams.of(args, { uniqueOpts })),
      { onConflict: 'skip' },
    ),
  (turn) => transaction.run({ statementTimeoutMs: 30_000 }, () => river.insertMany(jobs(turn))),
  async (turn) => {
    const { job } = await river.insert(jobArgs('cancelled', { turn }));
    await river.jobCancel(job.id);
    const error = await river.waitFor(job.id).catch((reason) => reason);
    if (error?.code !== 'RIVER_JOB_CANCELLED') throw error;
  },
  async (turn) => {
    await river.jobList({ kinds: ['plain'], first: 5 });
    await river.queuePause(`queue_${turn % 5}`);
  },
];

let next = 0;
let succeeded = 0;
const failures = {};
await Promise.all(
  Array.from({ length: CALLERS }, async () => {
    while (next < Number(count)) {
      const turn = (next += 1);
      try {
        await FORMS[turn % FORMS.length](turn);
        succeeded += 1;
      } catch (error) {
        const text = `${error.code} ${error.sqlState ?? ''} ${error.message}`;
        failures[text] = (failures[text] ?? 0) + 1;
      }
    }
  }),
);
await app.close();
await dataSource.destroy();
console.log(JSON.stringify({ succeeded, failures }));
