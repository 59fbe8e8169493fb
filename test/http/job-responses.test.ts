import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Post,
  RequestMethod,
  UseFilters,
  type ArgumentsHost,
  type CallHandler,
  type ClassSerializerInterceptorOptions,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Field, GraphQLModule, ID, ObjectType, Query, Resolver } from '@nestjs/graphql';
import {
  ApiOkResponse,
  ApiProperty,
  DocumentBuilder,
  PickType,
  SwaggerModule,
} from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { map, type Observable } from 'rxjs';
import {
  JOB_STATES,
  JobArgs,
  JobRow,
  RiverClient,
  RiverTransactional,
  type RiverError,
} from 'nestjs-river';
import { RiverJobEntity, type RiverJob } from 'nestjs-river/entities';
import { DataSource } from 'typeorm';
import { createDataSource, queryAll } from '../support/index.js';
import { createShopDatabase, riverOn, startShopApp, type ShopApp } from './shop-app.js';

interface ClassTransformer {
  readonly Expose: () => PropertyDecorator;
  readonly instanceToPlain: (value: unknown, options?: object) => object;
  readonly instanceToInstance: (value: unknown) => object;
  readonly plainToInstance: (type: unknown, value: unknown) => object;
}
const { Expose, instanceToPlain, instanceToInstance, plainToInstance } = createRequire(
  import.meta.url,
)('class-transformer') as ClassTransformer;

const BIG = 2n ** 60n + 1n;
const ARGS = { big: BIG.toString(), nested: [{ big: BIG.toString() }], text: 'x' };

@JobArgs('report', { uniqueOpts: { byArgs: true } })
class Report {
  readonly big = BIG;
  readonly nested = [{ big: BIG }];
  readonly text = 'x';
}

class JobResponse {
  @Expose()
  @ApiProperty()
  readonly job: JobRow;
  constructor(job: JobRow) {
    this.job = job;
  }
}

class JobSummary extends PickType(JobRow, ['id', 'state'] as const) {}

interface JsonResponse {
  status(code: number): JsonResponse;
  json(body: object): void;
}

class ErrorFilter implements ExceptionFilter {
  catch(error: RiverError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<JsonResponse>();
    response.status(404).json({ ...error, text: error.message });
  }
}

@Controller('jobs')
class JobsController {
  constructor(
    private readonly river: RiverClient,
    private readonly dataSource: DataSource,
  ) {}

  async #job(): Promise<JobRow> {
    const { jobs } = await this.river.jobList({ kinds: ['report'] });
    if (jobs[0] === undefined) throw new Error('there is no job');
    return jobs[0];
  }

  @Post('row')
  @RiverTransactional()
  async row() {
    return (await this.river.insert(new Report())).job;
  }

  @Post('result')
  async result() {
    return await this.river.insert(new Report());
  }

  @Post('results')
  async results() {
    return await this.river.insertMany([new Report(), new Report()]);
  }

  @ApiOkResponse({ type: JobRow })
  @Get('found')
  async found() {
    return await this.river.jobGet((await this.#job()).id);
  }

  @Get('id')
  async id() {
    return { id: (await this.#job()).id };
  }

  @Get('id-and-args')
  async idAndArgs() {
    const { id, args, metadata } = await this.#job();
    return { id, args, metadata };
  }

  @Get('spread')
  async spread() {
    return { ...(await this.#job()), more: true };
  }

  @ApiOkResponse({ type: JobResponse })
  @Get('property')
  async property() {
    return new JobResponse(await this.#job());
  }

  @Get('page')
  async page() {
    return await this.river.jobList();
  }

  @Get('explained')
  async explained() {
    return await this.river.explainUnique(new Report());
  }

  @Get('stats')
  async stats() {
    return await this.river.queueStats();
  }

  @ApiOkResponse({ type: JobSummary })
  @Get('entity')
  async entity() {
    const jobs = this.dataSource.getRepository<RiverJob>(RiverJobEntity);
    // TypeORM's classes mark nothing for class-transformer.
    return { ...(await jobs.findOneByOrFail({ id: (await this.#job()).id })) };
  }

  @UseFilters(ErrorFilter)
  @Get('missing')
  async missing() {
    return await this.river.jobGet('999999');
  }
}

@ObjectType()
class JobType {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  state!: string;
}

@Resolver()
class JobsResolver {
  constructor(private readonly river: RiverClient) {}

  @Query(() => [JobType])
  async jobs() {
    return (await this.river.jobList({ kinds: ['report'] })).jobs;
  }
}

/** Copies as careful interceptors do, which rename keys or drop nulls. */
function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(copied);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copied(each)]));
}

/** Fills a new object of the same class, as cloning libraries do. */
function cloned(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(cloned);
  const copy = Object.create(Object.getPrototypeOf(value) as object) as Record<string, unknown>;
  for (const [key, each] of Object.entries(value)) copy[key] = cloned(each);
  return copy;
}

class MapInterceptor implements NestInterceptor {
  readonly #change: (value: unknown) => unknown;
  constructor(change: (value: unknown) => unknown) {
    this.#change = change;
  }
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map(this.#change));
  }
}

const serializer = (options?: ClassSerializerInterceptorOptions): NestInterceptor =>
  new ClassSerializerInterceptor(new Reflector(), options);

/** Interceptors that applications install globally. */
const INTERCEPTORS: Record<string, () => NestInterceptor> = {
  'an interceptor that copies': () => new MapInterceptor(copied),
  'an interceptor that clones': () => new MapInterceptor(cloned),
  'structuredClone of what it can clone': () => new MapInterceptor((v) => structuredClone(v)),
  ClassSerializerInterceptor: () => serializer(),
  'ClassSerializerInterceptor, excludeExtraneousValues': () =>
    serializer({ excludeExtraneousValues: true }),
  'ClassSerializerInterceptor, implicit conversion': () =>
    serializer({ enableImplicitConversion: true, enableCircularCheck: true }),
};

const ROUTES = Object.getOwnPropertyNames(JobsController.prototype)
  .filter((name) => name !== 'constructor')
  .map((name) => (JobsController.prototype as unknown as Record<string, object>)[name] ?? {})
  .map((handler) => ({
    path: Reflect.getMetadata('path', handler) as string,
    isPost: Reflect.getMetadata('method', handler) === RequestMethod.POST,
  }));

let database: Awaited<ReturnType<typeof createShopDatabase>>;
let dataSource: DataSource;
beforeAll(async () => {
  database = await createShopDatabase();
  dataSource = await createDataSource(database, { entities: [RiverJobEntity] });
});
afterAll(async () => {
  await dataSource.destroy();
  await database.dataSource.destroy();
});

const boot = (interceptors: NestInterceptor[] = []): Promise<ShopApp> =>
  startShopApp({
    controllers: [JobsController],
    providers: [JobsResolver, { provide: DataSource, useValue: dataSource }],
    modules: [
      riverOn(dataSource),
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        playground: false,
        graphiql: false,
      }),
    ],
    prepare: (app) => app.useGlobalInterceptors(...interceptors),
  });

/** What each route of an application with these interceptors returns; the first stores a job. */
async function bodiesWith(...interceptors: NestInterceptor[]): Promise<Record<string, unknown>> {
  const app = await boot(interceptors);
  try {
    return await bodies(app);
  } finally {
    await app.stop();
  }
}

async function bodies(app: ShopApp): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  await queryAll(database, 'truncate river_job restart identity');
  for (const { path, isPost } of ROUTES) {
    const { status, body } = await app[isPost ? 'post' : 'get'](`/jobs/${path}`);
    expect([path, status]).toEqual([path, path === 'missing' ? 404 : isPost ? 201 : 200]);
    answers[path] = body;
  }
  return answers;
}

/** Without the times, which are those of the inserts. */
const timeless = (answers: unknown): unknown =>
  JSON.parse(JSON.stringify(answers), (key, value: unknown) =>
    key.endsWith('At') || key === 'oldestAvailableAgeMs' ? typeof value : value,
  );

describe('a controller', () => {
  let app: ShopApp;
  let plain: Record<string, unknown>;
  beforeAll(async () => {
    app = await boot();
    plain = await bodies(app);
  });
  afterAll(() => app.stop());

  test('returns jobs in whatever form', () => {
    const job = { id: '1', kind: 'report', state: 'available', args: ARGS };
    const time = expect.stringMatching(/^\d{4}-.*Z$/) as unknown;
    const row = { ...job, createdAt: time, uniqueKey: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(plain).toMatchObject({
      row,
      result: { job: row, uniqueSkippedAsDuplicated: true },
      results: [{ job: row }, { job: row }],
      found: row,
      id: { id: '1' },
      'id-and-args': { id: '1', args: ARGS, metadata: {} },
      spread: { ...row, more: true },
      property: { job: row },
      page: { jobs: [row] },
      explained: { blockedBy: row },
      entity: { ...row, args: expect.any(Object) as unknown },
      missing: { id: '999999', code: 'RIVER_JOB_NOT_FOUND' },
    });
  });

  test.each(Object.entries(INTERCEPTORS))('returns the same with %s', async (_name, create) => {
    expect(timeless(await bodiesWith(create()))).toEqual(timeless(plain));
  });

  test('returns the same wrapped in { data }', async () => {
    const { missing, ...wrapped } = await bodiesWith(new MapInterceptor((data) => ({ data })));
    expect(missing).toEqual(plain['missing']);
    for (const [path, body] of Object.entries(wrapped)) {
      expect(timeless(body)).toEqual(timeless({ data: plain[path] }));
    }
  });

  test('has the fields of a job in its Swagger document', () => {
    const document = SwaggerModule.createDocument(app.app, new DocumentBuilder().build());
    const { JobRow: schema, JobSummary: summary, ...others } = document.components?.schemas ?? {};
    const { properties, required } = schema as { properties: object; required: string[] };
    const row = plain['row'] as Record<string, unknown>;
    expect(Object.keys(properties)).toEqual(Object.keys(row));
    expect(required).toEqual(Object.keys(row));
    expect(properties).toMatchObject({
      id: { type: 'string' },
      args: { type: 'object', additionalProperties: true },
      attempt: { type: 'integer' },
      attemptedAt: { type: 'string', format: 'date-time', nullable: true },
      attemptedBy: { type: 'array', items: { type: 'string' } },
      errors: { type: 'array', items: { $ref: '#/components/schemas/JobAttemptError' } },
      state: { allOf: [{ $ref: '#/components/schemas/JobState' }] },
      uniqueKey: { type: 'string', nullable: true },
    });
    expect(others).toMatchObject({
      JobState: { type: 'string', enum: JOB_STATES },
      JobAttemptError: { required: ['at', 'attempt', 'error', 'trace'] },
      JobResponse: { properties: { job: { $ref: '#/components/schemas/JobRow' } } },
    });
    expect(summary).toMatchObject({ required: ['id', 'state'] });
  });

  test('of GraphQL returns the id as an ID', async () => {
    const { body } = await app.post('/graphql', { query: '{ jobs { id state } }' });
    expect(body).toEqual({ data: { jobs: [{ id: '1', state: 'available' }] } });
  });
});

test('copies of a job row are equal to it', async () => {
  const client = new RiverClient(dataSource, {});
  const { job } = await client.insert(new Report());
  for (const copy of [
    { ...job },
    instanceToPlain(job),
    instanceToPlain(job, { excludeExtraneousValues: true }),
    instanceToInstance(job),
    copied(job),
    cloned(job),
  ]) {
    expect(copy).toStrictEqual(job);
    expect(copy).toBeInstanceOf(JobRow);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(job));
    expect(inspect(copy)).toBe(inspect(job));
  }
  // Of Node's realm, which is not that of the test.
  expect(structuredClone(job)).toEqual(job);
  expect(structuredClone(job)).toBeInstanceOf(JobRow);
  expect({ ...plainToInstance(JobRow, job) }).toEqual({ ...job });
});
