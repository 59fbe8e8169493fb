import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TypeOrmModule, getRepositoryToken } from '@nestjs/typeorm';
import { jobArgs, RiverClient, RiverConfigurationError, RiverModule } from 'nestjs-river';
import {
  riverEntities,
  RiverJobEntity,
  RiverQueueEntity,
  RiverReadOnlySubscriber,
  type RiverJob,
} from 'nestjs-river/entities';
import {
  ArrayContains,
  Column,
  DataSource,
  Entity,
  In,
  JoinColumn,
  ManyToOne,
  MoreThan,
  PrimaryGeneratedColumn,
  type Repository,
} from 'typeorm';
import { startClient, type StartedClient } from '../client/started-client.js';
import { silence, withApplication } from '../module/applications.js';
import {
  createDataSource,
  createTestDatabase,
  queryAll,
  type TestDatabase,
} from '../support/index.js';

/** An application's table whose rows name jobs. */
@Entity('app_order')
class AppOrder {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  email!: string;

  @ManyToOne(() => RiverJobEntity, { nullable: true, createForeignKeyConstraints: false })
  @JoinColumn({ name: 'job_id' })
  job!: RiverJob | null;
}

const ERROR = { at: '2026-11-21T10:00:00.5Z', attempt: 1, error: 'boom', trace: 'at x' };

describe('the entities', () => {
  let client: StartedClient;
  let dataSource: DataSource;
  let jobs: Repository<RiverJob>;

  beforeAll(async () => {
    client = await startClient();
    dataSource = await createDataSource(client.database, {
      entities: [RiverJobEntity, RiverQueueEntity, AppOrder],
    });
    await dataSource.synchronize();
    jobs = dataSource.getRepository(RiverJobEntity);
  });
  beforeEach(() =>
    queryAll(
      client.database,
      'delete from river_job; delete from river_queue; delete from app_order',
    ),
  );
  afterAll(async () => {
    await dataSource.destroy();
    await client.stop();
  });

  const insert = async (n: number) =>
    (await client.river.insert(jobArgs('sort', { n }), { tags: [`tag_${n}`], queue: 'slow' })).job;

  test('read a job as RiverClient does', async () => {
    const args = jobArgs('sort', { strings: ['b', 'a'] });
    const { job } = await client.river.insert(args, {
      uniqueOpts: { byArgs: true },
      metadata: { trace: 'x' },
      tags: ['one', 'two'],
      scheduledAt: new Date('2027-01-01T00:00:00.123Z'),
    });
    const { encodedArgs: _text, ...expected } = job;
    const found = await jobs.findOneByOrFail({ id: job.id });
    expect({ ...found }).toEqual({ ...expected });
    expect(typeof found.id).toBe('string');
  });

  test('read what workers write', async () => {
    await queryAll(
      client.database,
      `insert into river_job (id, kind, args, state, attempt, attempted_at, attempted_by, errors, finalized_at)
       values (9007199254740993, 'sort', '{}', 'discarded', 2, '2026-11-21T10:00:00Z', '{"a", "b"}',
               array[$1::jsonb, $2::jsonb], '2026-11-21T10:00:01Z')`,
      [JSON.stringify(ERROR), '{"strange": true}'],
    );
    expect(await jobs.findOneBy({ id: '9007199254740993' })).toMatchObject({
      id: '9007199254740993',
      state: 'discarded',
      attemptedBy: ['a', 'b'],
      errors: [
        { at: new Date('2026-11-21T10:00:00.500Z'), attempt: 1, error: 'boom', trace: 'at x' },
        { attempt: 0, error: '', trace: '' },
      ],
      finalizedAt: new Date('2026-11-21T10:00:01Z'),
      uniqueKey: null,
      uniqueStates: null,
    });
  });

  test('read queues', async () => {
    await queryAll(
      client.database,
      `insert into river_queue (name, metadata, paused_at) values ('slow', '{"a": 1}', now()), ('fast', '{}', null)`,
    );
    const queues = dataSource.getRepository(RiverQueueEntity);
    expect(await queues.find({ order: { name: 'asc' } })).toMatchObject([
      { name: 'fast', metadata: {}, pausedAt: null, createdAt: expect.any(Date) as unknown },
      { name: 'slow', metadata: { a: 1 }, pausedAt: expect.any(Date) as unknown },
    ]);
  });

  test('are found by ids, states, tags and times, in an order, and counted', async () => {
    const [first, second, third] = [await insert(1), await insert(2), await insert(3)];
    expect(await jobs.findBy({ id: In([first.id, third.id]) })).toHaveLength(2);
    expect(await jobs.findBy({ tags: ArrayContains(['tag_2']) })).toMatchObject([
      { id: second.id },
    ]);
    expect(await jobs.countBy({ state: 'available', queue: 'slow', id: MoreThan(first.id) })).toBe(
      2,
    );
    const [newest] = await jobs.find({ order: { id: 'desc' }, take: 1, select: { id: true } });
    expect({ ...newest }).toEqual({ id: third.id });
    const raw = await jobs
      .createQueryBuilder('job')
      .where(`job.args @> :args and job.scheduledAt <= now()`, { args: { n: 3 } })
      .getMany();
    expect(raw).toMatchObject([{ id: third.id, args: { n: 3 } }]);
  });

  test('become JSON', async () => {
    const { id } = await insert(1);
    const text = JSON.stringify(await jobs.findOneByOrFail({ id }));
    expect(JSON.parse(text)).toMatchObject({ id, kind: 'sort', args: { n: 1 } });
  });

  describe('are joined to a table of the application', () => {
    beforeEach(async () => {
      const job = await jobs.findOneByOrFail({ id: (await insert(1)).id });
      await dataSource.getRepository(AppOrder).save([
        { email: 'ada@example.com', job },
        { email: 'bob@example.com', job: null },
      ]);
    });

    test('by a relation', async () => {
      const orders = await dataSource
        .getRepository(AppOrder)
        .find({ relations: { job: true }, order: { id: 'asc' } });
      expect(orders).toMatchObject([
        { email: 'ada@example.com', job: { kind: 'sort', args: { n: 1 }, state: 'available' } },
        { email: 'bob@example.com', job: null },
      ]);
      expect(typeof orders[0]?.job?.id).toBe('string');
      const byState = { where: { job: { state: 'available' as const } } };
      expect(await dataSource.getRepository(AppOrder).count(byState)).toBe(1);
    });

    test('by a condition in a query builder', async () => {
      const order = await dataSource
        .getRepository(AppOrder)
        .createQueryBuilder('o')
        .innerJoinAndMapOne('o.theJob', RiverJobEntity, 'job', 'job.id = o.job_id')
        .where('job.kind = :kind', { kind: 'sort' })
        .getOneOrFail();
      expect(order).toMatchObject({ email: 'ada@example.com', theJob: { queue: 'slow' } });
    });

    test('an order is saved again without a word to the job', async () => {
      const orders = dataSource.getRepository(AppOrder);
      const order = await orders.findOneOrFail({
        where: { email: 'ada@example.com' },
        relations: { job: true },
      });
      await orders.save({ ...order, email: 'eve@example.com' });
      expect(await orders.countBy({ email: 'eve@example.com' })).toBe(1);
    });
  });
});

describe('in a schema', () => {
  let database: TestDatabase;
  const open = (entities: (new () => object)[], schema?: string): Promise<DataSource> =>
    createDataSource(database, { entities, ...(schema === undefined ? {} : { schema }) });
  beforeAll(async () => {
    database = await createTestDatabase({ schema: 'Jobs' });
    await queryAll(
      database,
      `insert into "Jobs".river_job (kind, args) values ('in_schema', '{}')`,
    );
  });

  test('that is named', async () => {
    const entities = riverEntities({ schema: 'Jobs' });
    const dataSource = await open([entities.RiverJobEntity, entities.RiverQueueEntity]);
    expect(await dataSource.getRepository(entities.RiverJobEntity).find()).toMatchObject([
      { kind: 'in_schema' },
    ]);
    await dataSource.destroy();
  });

  test("that is the data source's own", async () => {
    const dataSource = await open([RiverJobEntity], 'Jobs');
    expect(await dataSource.getRepository(RiverJobEntity).count()).toBe(1);
    await dataSource.destroy();
  });

  test('beside another one, told apart by name', async () => {
    await queryAll(database, 'create table river_job (like "Jobs".river_job)');
    const billing = riverEntities({ schema: 'Jobs', name: 'billing' });
    const dataSource = await open([RiverJobEntity, billing.RiverJobEntity]);
    expect(await dataSource.getRepository(RiverJobEntity).count()).toBe(0);
    expect(await dataSource.getRepository(billing.RiverJobEntity).count()).toBe(1);
    expect(await dataSource.getRepository('RiverJob_billing').count()).toBe(1);
    await dataSource.destroy();
  });

  test('under an entityPrefix, which TypeORM puts before every table: not to be found', async () => {
    const dataSource = new DataSource({
      type: 'postgres',
      url: database.url,
      schema: 'Jobs',
      entityPrefix: 'app_',
      entities: [RiverJobEntity],
    });
    await dataSource.initialize();
    await expect(dataSource.getRepository(RiverJobEntity).count()).rejects.toThrow(
      '"Jobs.app_river_job" does not exist',
    );
    await dataSource.destroy();
  });

  test('whose name River would not take is refused', () => {
    expect(() => riverEntities({ schema: 'a"b' })).toThrow(RiverConfigurationError);
  });
});

test("Nest injects the repositories of River's entities", async () => {
  silence();
  const { url } = await createTestDatabase();
  const modules = [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url,
      autoLoadEntities: true,
      subscribers: [RiverReadOnlySubscriber],
      retryAttempts: 0,
    }),
    TypeOrmModule.forFeature([RiverJobEntity, RiverQueueEntity]),
    RiverModule.forRoot(),
  ];
  await withApplication(modules, async (app) => {
    await app.get(RiverClient).insert(jobArgs('sort', {}));
    const jobs = app.get<Repository<RiverJob>>(getRepositoryToken(RiverJobEntity));
    expect(await jobs.find()).toMatchObject([{ kind: 'sort' }]);
    expect(await app.get<Repository<object>>(getRepositoryToken(RiverQueueEntity)).find()).toEqual(
      [],
    );
    await expect(jobs.delete({ kind: 'sort' })).rejects.toThrow('RiverJob is read-only');
  });
});
