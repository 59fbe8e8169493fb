import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { RiverClient } from 'nestjs-river';
import { startClient, type StartedClient } from '../client/started-client.js';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { plantJob } from './planted-jobs.js';

/** Roles belong to the server, not to the database: the name must be of this file's database. */
const roleOf = ({ name }: TestDatabase): string => `${name}_role`;

const READ = 'grant usage on schema public to ROLE; grant select on river_job, river_queue to ROLE';
const CHANGE = `${READ}; grant update, delete on river_job to ROLE; grant insert, update on river_queue to ROLE`;

let database: TestDatabase;
let client: StartedClient;
let river: RiverClient;
let id: string;

const READING: Record<string, () => Promise<unknown>> = {
  jobGet: () => river.jobGet(id),
  jobList: () => river.jobList({ states: ['available'], orderBy: 'time' }),
  queueGet: () => river.queueGet('default'),
  queueList: () => river.queueList(),
  queueStats: () => river.queueStats(),
};
const CHANGING: Record<string, () => Promise<unknown>> = {
  jobCancel: () => river.jobCancel(id),
  jobRetry: () => river.jobRetry(id),
  jobRescue: () => river.jobRescue(id),
  jobUpdate: () => river.jobUpdate(id, { output: 1 }),
  jobDelete: () => river.jobDelete(id),
  jobCancelMany: () => river.jobCancelMany({ unsafeAll: true }),
  jobRetryMany: () => river.jobRetryMany({ unsafeAll: true }),
  jobDeleteMany: () => river.jobDeleteMany({ unsafeAll: true }),
  queuePause: () => river.queuePause('new'),
  queueResume: () => river.queueResume('default'),
  queueUpdate: () => river.queueUpdate('default', { metadata: {} }),
};

describe.each([
  [
    'may change the queues that workers have announced',
    `${READ}; grant update on river_queue to ROLE`,
    { 'queuePause of one': () => river.queuePause('default').then(() => river.queueResume('*')) },
    { queuePause: () => river.queuePause('new') },
  ],
  ['may read and change', CHANGE, { ...READING, ...CHANGING }, {}],
  ['may read', READ, READING, CHANGING],
  ['may do nothing', 'grant usage on schema public to ROLE', {}, { ...READING, ...CHANGING }],
])('a role that %s', (_name, grants, allowed, refused) => {
  beforeAll(async () => {
    database = await createTestDatabase();
    const role = roleOf(database);
    await queryAll(
      database,
      `create role "${role}"; revoke all on all tables in schema public from public;
       ${grants.replaceAll('ROLE', `"${role}"`)}; insert into river_queue (name) values ('default')`,
    );
    client = await startClient({ database, dataSource: { extra: { options: `-c role=${role}` } } });
    river = client.river;
  });
  afterAll(async () => {
    await client.stop();
    await queryAll(
      database,
      `drop owned by "${roleOf(database)}"; drop role "${roleOf(database)}"`,
    );
  });
  beforeEach(async () => {
    id = await plantJob(database, {});
  });

  if (Object.keys(allowed).length > 0) {
    test.each(Object.entries(allowed))('is allowed %s', async (_call, call) => {
      await expect(call()).resolves.not.toThrow();
    });
  }

  if (Object.keys(refused).length > 0) {
    test.each(Object.entries(refused))(
      'is refused %s, and told what it lacks',
      async (name, call) => {
        await expect(call()).rejects.toMatchObject({
          name: 'DatabaseError',
          sqlState: '42501',
          message: expect.stringMatching(
            new RegExp(
              `^${name} failed.* UPDATE and DELETE on river_job, SELECT, INSERT and UPDATE on river_queue`,
            ),
          ) as unknown,
        });
        const [row] = await queryAll(database, 'select paused_at, metadata from river_queue');
        expect(row).toEqual({ paused_at: null, metadata: {} });
      },
    );
  }
});
