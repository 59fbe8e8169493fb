import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ConsoleLogger } from '@nestjs/common';
import {
  DatabaseError,
  InsertAbortedError,
  jobArgs,
  JobDiscardedError,
  JobNotFoundError,
  JobRunningError,
  RiverError,
  WaitTimeoutError,
} from 'nestjs-river';
import { startClient, type StartedClient } from '../client/started-client.js';
import { queryAll } from '../support/index.js';

const SECRET = 'hunter2';

const SCHEMA = `
  alter table river_job add constraint refused check (kind <> 'refused');
  create unique index one_of_each on river_job ((args->>'name')) where kind = 'taken';
  create table orders (id int primary key, name text unique);
  create function of_args() returns trigger language plpgsql as $$
  begin
    if new.kind = 'raised' then raise exception 'raised for %', new.args using errcode = '23514'; end if;
    if new.kind = 'cast' then perform (new.args->>'name')::int; end if;
    return new;
  end $$;
  create trigger of_args before insert on river_job for each row execute function of_args()`;

let client: StartedClient;
beforeAll(async () => {
  client = await startClient();
  await queryAll(client.database, SCHEMA);
  await client.river.insert(jobArgs('taken', { name: SECRET }));
});
afterAll(() => client.stop());

const secretJob = (kind: string): object => jobArgs(kind, { name: SECRET });
const opts = { metadata: { name: SECRET } };
const thrower = (thrown: unknown): object => ({
  kind: 'thrower',
  toJSON() {
    throw thrown;
  },
});

/** Errors that the database, TypeORM and the application's own code had a hand in. */
const CALLS: Record<string, () => Promise<unknown>> = {
  'a violated constraint': () => client.river.insert(secretJob('refused'), opts),
  'a violated constraint of many': () => client.river.insertMany([secretJob('refused')]),
  'a violated constraint in COPY': () => client.river.insertManyFast([secretJob('refused')]),
  'a unique index on args': () => client.river.insert(secretJob('taken')),
  'a trigger that raises the args': () => client.river.insert(secretJob('raised')),
  'a trigger that raises them in COPY': () => client.river.insertManyFast([secretJob('raised')]),
  'a trigger that converts them': () => client.river.insert(secretJob('cast')),
  'a swallowed error of an insert': () =>
    client.transaction.run(async () => {
      await client.river.insert(secretJob('refused')).catch(() => undefined);
    }),
  'a swallowed error of TypeORM': () =>
    client.transaction.run(async (manager) => {
      const insert = `insert into orders values (1, $1), (2, $1)`;
      await manager.query(insert, [SECRET]).catch(() => undefined);
    }),
  'an error that holds the args': () =>
    client.river.insert(thrower(Object.assign(new Error('no'), { args: { name: SECRET } }))),
  'an error whose cause is the args': () =>
    client.river.insert(thrower(new Error('no', { cause: { name: SECRET } }))),
  'errors that hold the args': () =>
    client.river.insert(thrower(new AggregateError([{ name: SECRET }], 'no'))),
  'a frozen error': () =>
    client.river.insert(thrower(Object.freeze(Object.assign(new Error('no'), { SECRET })))),
  'thrown args': () => client.river.insert(thrower({ name: SECRET })),
  'a wait that timed out': async () => {
    const { job } = await client.river.insert(secretJob('waiting'), opts);
    return await client.river.waitFor(job.id, { timeoutMs: 1 });
  },
  'a job that is not there': () => client.river.jobGet(4_711n),
};

const written = (write: (stream: PassThrough) => void): string => {
  const stream = new PassThrough();
  write(stream);
  return String(stream.read());
};

const nest = (options: object, error: unknown): string => {
  const texts: string[] = [];
  const record = (chunk: unknown): boolean => texts.push(String(chunk)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(record as never),
  );
  const logger = new ConsoleLogger('Test', { colors: false, ...options });
  logger.error(error);
  logger.error('it failed', error);
  logger.warn({ error });
  for (const spy of spies) spy.mockRestore();
  return texts.join('');
};

/** As pino's `err` and `errWithCause` do: whatever `for ... in` finds, and each cause. */
const pino = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error;
  const { message, stack, cause } = error;
  const found: Record<string, unknown> = { message, stack, cause: pino(cause) };
  for (const key in error) found[key] = pino(error[key as keyof Error]);
  return found;
};

const withoutToJSON = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));

/** As winston's `errors({ stack: true, cause: true })` does. */
const winston = (error: Error): unknown => {
  const { message, stack, cause } = error;
  return { ...error, message, stack, cause: cause instanceof Error ? { ...cause } : cause };
};

const PRINTERS: Record<string, (error: Error) => string> = {
  inspect: (error) => inspect(error, { depth: Infinity, getters: true }),
  'console.error': (error) => written((stream) => new Console(stream).error('it failed', error)),
  'the logger of Nest': (error) => nest({}, error),
  'the logger of Nest, as JSON': (error) => nest({ json: true }, error),
  pino: (error) => withoutToJSON(pino(error)),
  winston: (error) => withoutToJSON(winston(error)),
  JSON: (error) => JSON.stringify(error),
  'an exception filter that copies': (error) => JSON.stringify({ ...error, text: error.message }),
};

describe.each(Object.entries(CALLS))('%s', (_name, call) => {
  test('is an error of ours that no logger prints a value of', async () => {
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(RiverError.is(error)).toBe(true);
    for (const [name, print] of Object.entries(PRINTERS)) {
      const text = print(error as Error);
      const begin = (error as Error).message.slice(0, 20);
      const seen = { leaks: text.includes(SECRET), tells: text.includes(begin) };
      expect([name, seen, text]).toEqual([name, { leaks: false, tells: true }, text]);
    }
  });
});

test('the printed error has what helps, and its properties have the rest', async () => {
  const error = (await CALLS['a violated constraint']?.().catch((e: unknown) => e)) as RiverError;
  for (const text of [inspect(error), JSON.stringify(error)]) {
    for (const part of ['23514', 'refused', 'river_job', 'ERROR', 'violates check constraint']) {
      expect(text).toContain(part);
    }
  }
  expect(error.cause).toMatchObject({ detail: expect.stringContaining(SECRET) });
  const raised = await CALLS['a trigger that raises the args']?.().catch((e: unknown) => e);
  const { cause } = raised as { cause: { fullMessage: string; where: string } };
  expect(cause.fullMessage).toContain(SECRET);
  expect(cause.where).toContain('of_args');
});

test('the job of an error is there for code and is not printed', async () => {
  const { job } = await client.river.insert(secretJob('kept'), opts);
  for (const error of [
    new JobDiscardedError(job),
    new WaitTimeoutError(job.id, 1, { job }),
    new WaitTimeoutError(job.id, 1, { cause: new DatabaseError('insert', new Error('no')) }),
  ]) {
    if (error.job !== undefined) expect(error.job.args).toEqual({ name: SECRET });
    for (const print of Object.values(PRINTERS)) expect(print(error)).not.toContain(SECRET);
  }
});

const ID = '1152921504606846976';

test('every error with an id becomes JSON, with the id as decimal digits', () => {
  for (const error of [
    new JobNotFoundError(ID),
    new JobRunningError(ID),
    new WaitTimeoutError(ID, 1, { cause: undefined }),
  ]) {
    expect(error.id).toBe(ID);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      id: ID,
      name: error.constructor.name,
      message: error.message,
      code: error.code,
    });
  }
});

test('the reason of an aborted signal that is not an error is kept as the cause', () => {
  expect(new InsertAbortedError('too late').cause).toBe('too late');
  const reason = { name: SECRET };
  expect(new InsertAbortedError(reason).cause).toMatchObject({ value: reason });
});
