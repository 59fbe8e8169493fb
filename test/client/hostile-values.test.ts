import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getRiverTransactionToken,
  InjectRiverClient,
  InsertManyParams,
  type JobId,
  JobArgs,
  jobArgs,
  rawJson,
  RiverClient,
  RiverModule,
  RiverTransaction,
  RiverTransactional,
} from 'nestjs-river';
import { riverEntities } from 'nestjs-river/entities';
import { RiverMigrator, riverMigration } from 'nestjs-river/migrations';
import { queryAll } from '../support/index.js';
import { canBeAwaited, faults, places, type Place } from './hostile-values.js';
import { startClient, type StartedClient } from './started-client.js';

let client: StartedClient;
let river: RiverClient;
let transaction: RiverTransaction;
let migrator: RiverMigrator;
let done: JobId;
beforeAll(async () => {
  client = await startClient();
  ({ river, transaction } = client);
  migrator = new RiverMigrator(client.dataSource);
  done = (await river.insert(ARGS)).job.id;
  await queryAll(client.database, `update river_job set state = 'completed', finalized_at = now()`);
});
afterAll(() => client.stop());

const ARGS = jobArgs('hostile', {});
const SHORT = { timeoutMs: 1 };
const INSERT_OPTS =
  'maxAttempts metadata pending priority queue scheduledAt delay tags outsideTransaction signal uniqueOpts'.split(
    ' ',
  );
const UNIQUE_OPTS = 'byArgs byPeriod byQueue byState excludeKind'.split(' ');
const FILTERS =
  'ids kinds queues priorities states tagsAll tagsAny args metadata createdAt attemptedAt scheduledAt finalizedAt'.split(
    ' ',
  );
const TIMES = ['from', 'to'];
const TRANSACTION_OPTS = (
  'propagation isolation readOnly statementTimeoutMs lockTimeoutMs timeoutMs retries ' +
  'unawaitedLimitMs trackOutcome afterEnd signal'
).split(' ');
const MODULE_OPTS = (
  'schema migrate maxAttempts outsideTransaction notify advisoryLockPrefix preparedStatements ' +
  'coalesce requestQueryRunner joinRepositories transactionSource onHookError hookTimeoutMs ' +
  'secondConnectionTimeoutMs shutdownTimeoutMs waitFor clock name isGlobal'
).split(' ');

/** In a transaction that is rolled back, so that what a value passes for does not add up. */
const within = (call: (manager: never) => unknown) => async (): Promise<unknown> => {
  const queryRunner = client.dataSource.createQueryRunner();
  await queryRunner.startTransaction();
  try {
    return await call(queryRunner.manager as never);
  } finally {
    await queryRunner.rollbackTransaction();
    await queryRunner.release();
  }
};
const compile = async (river: DynamicModule): Promise<void> => {
  const module = await Test.createTestingModule({ imports: [river] }).compile();
  await module.close();
};
const start = (options: object): Promise<void> =>
  compile(RiverModule.forRoot({ dataSource: client.dataSource, ...options }));
class Plain {
  async method(): Promise<void> {
    // decorated by the places below
  }
}
const decorate = (options: unknown): void =>
  RiverTransactional(options as never)(Plain.prototype, 'method', {
    value: async () => undefined,
  });

/** Each public method, with a hostile value in each place; `tx` is that of its twin. */
const METHODS: Record<string, Record<string, Place>> = {
  insert: {
    args: (value) => river.insert(value),
    payload: (value) => river.insert(jobArgs('hostile', value)),
    'a member': (value) => river.insert(jobArgs('hostile', { value })),
    'an element': (value) => river.insert(jobArgs('hostile', { list: [value] })),
    kind: (value) => river.insert(jobArgs(value, {})),
    'a kind of its own': (value) => river.insert({ kind: value }),
    'insertOpts of args': (value) => river.insert({ kind: 'hostile', insertOpts: value }),
    'what insertOpts returns': (value) =>
      river.insert({ kind: 'hostile', insertOpts: () => value as object }),
    'what toJSON returns': (value) => river.insert({ kind: 'hostile', toJSON: () => value }),
    opts: (value) => river.insert(ARGS, value),
    ...places('opts', INSERT_OPTS, (opts) => river.insert(ARGS, opts)),
    ...places('uniqueOpts', UNIQUE_OPTS, (uniqueOpts) =>
      river.insert(ARGS, { uniqueOpts: { byQueue: true, ...(uniqueOpts as object) } }),
    ),
    'a unique member': (value) =>
      river.insert(jobArgs('hostile', { value }), {
        uniqueOpts: { byArgs: ['value', 'other.deep'] },
      } as object),
    'a member of metadata': (value) => river.insert(ARGS, { metadata: { value } }),
    'a tag': (value) => river.insert(ARGS, { tags: [value] }),
  },
  insertTx: {
    tx: (value) => river.insertTx(value, ARGS),
    args: (value) => within((tx) => river.insertTx(tx, value))(),
    opts: (value) => within((tx) => river.insertTx(tx, ARGS, value))(),
  },
  insertMany: {
    items: (value) => river.insertMany(value),
    'an item': (value) => river.insertMany([ARGS, value]),
    'args of an item': (value) => river.insertMany([InsertManyParams.of(value)]),
    'opts of an item': (value) => river.insertMany([InsertManyParams.of(ARGS, value)]),
  },
  insertManyTx: {
    tx: (value) => river.insertManyTx(value, [ARGS]),
    items: (value) => within((tx) => river.insertManyTx(tx, value))(),
  },
  insertManyFast: {
    items: (value) => river.insertManyFast(value),
    'an item': (value) => river.insertManyFast([ARGS, value]),
    opts: (value) => river.insertManyFast([], value),
    ...places('opts', ['onConflict', 'onProgress', 'signal'], (opts) =>
      river.insertManyFast([], opts),
    ),
  },
  insertManyFastTx: {
    tx: (value) => river.insertManyFastTx(value, []),
    items: (value) => within((tx) => river.insertManyFastTx(tx, value))(),
    opts: (value) => within((tx) => river.insertManyFastTx(tx, [], value))(),
  },
  explainUnique: {
    args: (value) => river.explainUnique(value),
    opts: (value) => river.explainUnique(ARGS, value),
    'a member': (value) =>
      river.explainUnique(jobArgs('hostile', { value }), { uniqueOpts: { byArgs: true } }),
  },
  waitFor: {
    job: (value) => river.waitFor(value, SHORT),
    id: (value) => river.waitFor({ id: value } as never, SHORT),
    options: (value) => river.waitFor(done, value),
    timeoutMs: (value) => river.waitFor(done, { timeoutMs: value }),
    signal: (value) => river.waitFor(done, { signal: value }),
  },
  insertAndWait: {
    args: (value) => river.insertAndWait(value, undefined, SHORT),
    opts: (value) => river.insertAndWait(ARGS, value, SHORT),
    timeoutMs: (value) =>
      river.insertAndWait(ARGS, undefined, { signal: AbortSignal.abort(), timeoutMs: value }),
    signal: (value) => river.insertAndWait(ARGS, undefined, { ...SHORT, signal: value }),
  },
  jobGet: { id: (value) => river.jobGet(value) },
  jobGetTx: { tx: (value) => river.jobGetTx(value, 1n) },
  jobList: {
    params: (value) => river.jobList(value),
    ...places('params', [...FILTERS, 'orderBy', 'sortOrder', 'first', 'after'], (params) =>
      river.jobList(params),
    ),
    ...places('createdAt', TIMES, (createdAt) => river.jobList({ createdAt })),
    'an id': (value) => river.jobList({ ids: [value] }),
    'a state': (value) => river.jobList({ states: [value] }),
    'a kind': (value) => river.jobList({ kinds: [value] }),
  },
  jobListTx: { tx: (value) => river.jobListTx(value) },
  jobUpdate: {
    id: (value) => river.jobUpdate(value, {}),
    params: (value) => river.jobUpdate(2n ** 62n, value),
    ...places('params', ['output', 'metadata'], (params) => river.jobUpdate(2n ** 62n, params)),
  },
  jobUpdateTx: { tx: (value) => river.jobUpdateTx(value, 1n, {}) },
  jobCancel: { id: (value) => river.jobCancel(value) },
  jobCancelTx: { tx: (value) => river.jobCancelTx(value, 1n) },
  jobRetry: { id: (value) => river.jobRetry(value) },
  jobRetryTx: { tx: (value) => river.jobRetryTx(value, 1n) },
  jobDelete: { id: (value) => river.jobDelete(value) },
  jobDeleteTx: { tx: (value) => river.jobDeleteTx(value, 1n) },
  jobDeleteMany: {
    params: (value) => river.jobDeleteMany(value),
    ...places('params', [...FILTERS, 'first', 'unsafeAll'], (params) =>
      river.jobDeleteMany({ kinds: ['none'], ...(params as object) }),
    ),
  },
  jobDeleteManyTx: { tx: (value) => river.jobDeleteManyTx(value, { kinds: ['none'] }) },
  jobRescue: {
    id: (value) => river.jobRescue(value),
    params: (value) => river.jobRescue(2n ** 62n, value),
    rescueAfterMs: (value) => river.jobRescue(2n ** 62n, { rescueAfterMs: value }),
  },
  jobRescueTx: { tx: (value) => river.jobRescueTx(value, 1n) },
  jobCancelMany: {
    params: (value) => river.jobCancelMany(value),
    ...places('params', [...FILTERS, 'first', 'unsafeAll'], (params) =>
      river.jobCancelMany({ kinds: ['none'], ...(params as object) }),
    ),
  },
  jobCancelManyTx: { tx: (value) => river.jobCancelManyTx(value, { kinds: ['none'] }) },
  jobRetryMany: { params: (value) => river.jobRetryMany(value) },
  jobRetryManyTx: { tx: (value) => river.jobRetryManyTx(value, { kinds: ['none'] }) },
  queueGet: { name: (value) => river.queueGet(value) },
  queueGetTx: { tx: (value) => river.queueGetTx(value, 'a') },
  queueList: {
    params: (value) => river.queueList(value),
    first: (value) => river.queueList({ first: value }),
  },
  queueListTx: { tx: (value) => river.queueListTx(value) },
  queuePause: { name: (value) => river.queuePause(value) },
  queuePauseTx: { tx: (value) => river.queuePauseTx(value, 'a') },
  queueResume: { name: (value) => river.queueResume(value) },
  queueResumeTx: { tx: (value) => river.queueResumeTx(value, 'a') },
  queueUpdate: {
    name: (value) => river.queueUpdate(value, {}),
    params: (value) => river.queueUpdate('none', value),
    metadata: (value) => river.queueUpdate('none', { metadata: value }),
  },
  queueUpdateTx: { tx: (value) => river.queueUpdateTx(value, 'a', {}) },
  queueStats: {
    params: (value) => river.queueStats(value),
    finalized: (value) => river.queueStats({ finalized: value }),
  },
};

const OTHERS: Record<string, Record<string, Place>> = {
  'transaction.run': {
    options: (value) => transaction.run(value, async () => undefined),
    work: (value) => (typeof value === 'function' ? undefined : transaction.run(value)),
    ...places('options', TRANSACTION_OPTS, (options) =>
      transaction.run(options, async () => undefined),
    ),
    ...places('options within', TRANSACTION_OPTS, (options) =>
      transaction.run(() => transaction.run(options, async () => undefined)),
    ),
  },
  'transaction.bind': { queryRunner: (value) => transaction.bind(value, () => undefined) },
  'transaction.outside': {
    work: (value) => (typeof value === 'function' ? undefined : transaction.outside(value)),
  },
  'transaction.afterCommit': {
    hook: (value) =>
      typeof value === 'function'
        ? undefined
        : transaction.run(() => transaction.afterCommit(value)),
    'hook of a rollback': (value) =>
      typeof value === 'function'
        ? undefined
        : transaction.run(() => transaction.afterRollback(value)),
  },
  'the module': {
    options: (value) => RiverModule.forRoot(value),
    'options of forRootAsync': (value) => RiverModule.forRootAsync(value),
    'what a factory returns': (value) =>
      canBeAwaited(value) &&
      compile(RiverModule.forRootAsync({ dataSource: client.dataSource, useFactory: () => value })),
    'what the clock returns': (value) =>
      new RiverClient(client.dataSource, { clock: () => value }).insert(ARGS),
    dataSource: (value) => start({ dataSource: value }),
    ...places('options', MODULE_OPTS, start),
    ...places('notify', ['mode', 'cooldownMs'], (notify) => start({ notify })),
    ...places('coalesce', ['maxStatements', 'maxRows'], (coalesce) => start({ coalesce })),
    ...places('waitFor', ['maxPollMs', 'listen'], (waitFor) => start({ waitFor })),
  },
  'the decorators': {
    kind: (value) => JobArgs(value),
    options: (value) => JobArgs('hostile', value),
    ...places('options', INSERT_OPTS, (options) => JobArgs('hostile', options)),
    'options of a transaction': decorate,
    ...places('options', [...TRANSACTION_OPTS, 'name', 'maxHeldValues', 'onDisconnect'], decorate),
    rawJson: (value) => rawJson(value),
    'the name of a client': (value) => InjectRiverClient(value),
    'the name of a helper': (value) => getRiverTransactionToken(value),
  },
  'the entities': {
    options: (value) => riverEntities(value),
    ...places('options', ['schema', 'name'], riverEntities),
  },
  'the migrator': {
    source: (value) => new RiverMigrator(value),
    options: (value) => new RiverMigrator(client.dataSource, value),
    schema: (value) => new RiverMigrator(client.dataSource, { schema: value }),
    version: (value) => migrator.getVersion(value),
    'options of validate': (value) => migrator.validate(value),
    targetVersion: (value) => migrator.validate({ targetVersion: value }),
    'options of migrate': (value) => migrator.migrate(value),
    ...places('migrate', ['direction', 'targetVersion', 'maxSteps', 'dryRun'], (options) =>
      migrator.migrate({ direction: 'up', ...(options as object) }),
    ),
    'options of riverMigration': (value) => riverMigration(value),
    ...places('riverMigration', ['timestamp', 'from', 'to', 'schema'], (options) =>
      riverMigration({ timestamp: 1_763_700_000_000, from: 0, to: 1, ...(options as object) }),
    ),
  },
};

const PLACES = Object.entries({ ...METHODS, ...OTHERS });

test.each(PLACES)(
  'hostile values in %s are refused as a RiverError',
  async (_what, ways) => {
    const found: Record<string, string[]> = {};
    for (const [where, place] of Object.entries(ways)) {
      const wrong = await faults(place);
      if (wrong.length > 0) found[where] = wrong;
    }
    expect(found).toEqual({});
  },
  60_000,
);

test('every method of a client is tried', () => {
  const names: string[] = [];
  let prototype: object = RiverClient.prototype;
  while (prototype !== Object.prototype) {
    names.push(...Object.getOwnPropertyNames(prototype));
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  const untried = names.filter((name) => !Object.hasOwn(METHODS, name));
  expect([...new Set(untried)].sort()).toEqual(['beforeApplicationShutdown', 'constructor']);
});
