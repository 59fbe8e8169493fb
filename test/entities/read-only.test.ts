import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ReadOnlyEntityError,
  riverEntities,
  RiverJobEntity,
  RiverQueueEntity,
  RiverReadOnlySubscriber,
  type RiverJob,
} from 'nestjs-river/entities';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import { catalogue } from '../interop/support/schema-facts.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';

@Entity('app_note')
class Note {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  text!: string;
}

type Write = (jobs: Repository<RiverJob>, job: RiverJob) => Promise<unknown>;

/** Every way that TypeORM has to write. */
const WRITES: Record<string, Write> = {
  'save of a new job': (jobs) => jobs.save({ kind: 'new', args: {} }),
  remove: (jobs, job) => jobs.remove(job),
  softRemove: (jobs, job) => jobs.softRemove(job),
  recover: (jobs, job) => jobs.recover(job),
  'softDelete by criteria': (jobs, job) => jobs.softDelete({ id: job.id }),
  'restore by criteria': (jobs, job) => jobs.restore({ id: job.id }),
  insert: (jobs) => jobs.insert({ kind: 'new', args: {} }),
  'update by criteria': (jobs, job) => jobs.update({ id: job.id }, { queue: 'other' }),
  'delete by criteria': (jobs, job) => jobs.delete({ id: job.id }),
  upsert: (jobs) => jobs.upsert({ id: '1', kind: 'new', args: {} }, ['id']),
  increment: (jobs, job) => jobs.increment({ id: job.id }, 'attempt', 1),
  'an insert of a query builder': (jobs) =>
    jobs.createQueryBuilder().insert().values({ kind: 'new' }).execute(),
  'an update of a query builder': (jobs) =>
    jobs.createQueryBuilder().update().set({ queue: 'other' }).execute(),
  'a delete of a query builder': (jobs) => jobs.createQueryBuilder().delete().execute(),
  'a removal by the manager': (jobs, job) => jobs.manager.remove(RiverJobEntity, job),
};

/** Where the subscriber is missing, this is what the columns alone leave. */
const GOES_THROUGH = [
  'remove',
  'delete by criteria',
  'a delete of a query builder',
  'a removal by the manager',
];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await queryAll(
    database,
    `truncate river_job, river_queue restart identity;
     insert into river_job (kind, args) values ('kept', '{}');
     insert into river_queue (name) values ('kept')`,
  );
});

async function open(subscribers: (typeof RiverReadOnlySubscriber)[]): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: database.url,
    entities: [RiverJobEntity, RiverQueueEntity, Note],
    subscribers,
  });
  return await dataSource.initialize();
}

/** All jobs as they are stored. */
const stored = (): Promise<object[]> => queryAll(database, 'select * from river_job');

describe('with the subscriber', () => {
  let dataSource: DataSource;
  beforeAll(async () => {
    dataSource = await open([RiverReadOnlySubscriber]);
    await dataSource.synchronize();
  });
  afterAll(() => dataSource.destroy());

  test.each(Object.entries(WRITES))('%s is refused before it is sent', async (_name, write) => {
    const before = await stored();
    const jobs = dataSource.getRepository(RiverJobEntity);
    const job = await jobs.findOneByOrFail({ kind: 'kept' });
    const error: unknown = await write(jobs, job).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReadOnlyEntityError);
    expect(error).toMatchObject({ code: 'RIVER_READ_ONLY_ENTITY', field: 'RiverJob' });
    expect((error as Error).message).toContain('methods of RiverClient');
    expect(await stored()).toEqual(before);
  });

  test('a changed job that is saved is ignored by TypeORM, which tells nobody', async () => {
    const before = await stored();
    const jobs = dataSource.getRepository(RiverJobEntity);
    const job = await jobs.findOneByOrFail({ kind: 'kept' });
    await jobs.save(Object.assign(job, { queue: 'other' }));
    expect(await stored()).toEqual(before);
  });

  test('a refusal leaves the transaction usable', async () => {
    await dataSource.transaction(async (manager) => {
      await expect(manager.delete(RiverQueueEntity, { name: 'kept' })).rejects.toThrow(
        'RiverQueue is read-only, so a removal is refused',
      );
      await manager.save(Note, { text: 'kept' });
    });
    expect(await queryAll(database, 'select name from river_queue')).toHaveLength(1);
    expect(await dataSource.getRepository(Note).count()).toBe(1);
  });

  test("the application's own entities are written as ever", async () => {
    const notes = dataSource.getRepository(Note);
    const note = await notes.save({ text: 'mine' });
    await notes.remove(note);
    expect(await notes.countBy({ text: 'mine' })).toBe(0);
  });

  test('entities of a schema are known, too', async () => {
    const { RiverJobEntity: ofSchema } = riverEntities({ schema: 'public', name: 'other' });
    const other = new DataSource({
      type: 'postgres',
      url: database.url,
      entities: [ofSchema],
      subscribers: [RiverReadOnlySubscriber],
    });
    await other.initialize();
    await expect(other.getRepository(ofSchema).delete({ kind: 'kept' })).rejects.toThrow(
      'RiverJob_other is read-only',
    );
    await other.destroy();
  });
});

describe('without the subscriber', () => {
  let dataSource: DataSource;
  beforeAll(async () => {
    dataSource = await open([]);
  });
  afterAll(() => dataSource.destroy());

  test.each(Object.entries(WRITES))('%s', async (name, write) => {
    const before = await stored();
    const jobs = dataSource.getRepository(RiverJobEntity);
    const job = await jobs.findOneByOrFail({ kind: 'kept' });
    await write(jobs, job).catch(() => undefined);
    expect(await stored()).toEqual(GOES_THROUGH.includes(name) ? [] : before);
  });
});

describe("what TypeORM would do to River's tables", () => {
  test('is nothing: neither synchronize() nor schema:log see them', async () => {
    const fresh = await createTestDatabase();
    const before = await riverFacts(fresh);
    const dataSource = new DataSource({
      type: 'postgres',
      url: fresh.url,
      entities: [RiverJobEntity, RiverQueueEntity, Note],
      synchronize: true,
    });
    await dataSource.initialize();
    expect(await riverFacts(fresh)).toEqual(before);
    await dataSource.synchronize();
    expect(await riverFacts(fresh)).toEqual(before);
    expect(await queryAll(fresh, `select to_regclass('app_note')::text as name`)).toEqual([
      { name: 'app_note' },
    ]);
    const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect([...upQueries, ...downQueries]).toEqual([]);
    await dataSource.destroy();
  });

  test('is to drop them where `dropSchema` drops all tables: the README warns', async () => {
    const fresh = await createTestDatabase();
    const dataSource = new DataSource({
      type: 'postgres',
      url: fresh.url,
      entities: [RiverJobEntity],
      dropSchema: true,
    });
    await dataSource.initialize();
    await dataSource.destroy();
    expect(await queryAll(fresh, `select to_regclass('river_job') as name`)).toEqual([
      { name: null },
    ]);
  });

  test('is nothing where they are missing, either', async () => {
    const empty = await createTestDatabase({ schema: 'Jobs' });
    const dataSource = new DataSource({
      type: 'postgres',
      url: empty.url,
      entities: [RiverJobEntity, RiverQueueEntity],
      synchronize: true,
    });
    await dataSource.initialize();
    expect(await riverFacts({ ...empty, schema: 'public' })).toEqual([]);
    await dataSource.destroy();
  });
});

async function riverFacts(where: TestDatabase): Promise<object[]> {
  const facts = (await catalogue(where)) as { object: string }[];
  return facts.filter(({ object }) => object.startsWith('river'));
}
