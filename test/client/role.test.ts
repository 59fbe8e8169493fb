import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobArgs, type JobState } from 'nestjs-river';
import { createTestDatabase, queryAll, type TestDatabase } from '../support/index.js';
import { countJobs, startClient, type StartedClient } from './started-client.js';

const UNIQUE = { uniqueOpts: { byArgs: true } } as const;

/** Roles belong to the server, not to the database: the name must be of this file's database. */
const roleOf = ({ name }: TestDatabase): string => `${name}_role`;

/** Takes away what everybody may do, then gives what an inserting role needs, and no more. */
const minimalRole = (role: string): string => `
  create role "${role}";
  revoke all on all tables in schema public from public;
  revoke all on all functions in schema public from public;
  grant usage on schema public to "${role}";
  grant insert, select on river_job to "${role}";
  grant usage on sequence river_job_id_seq to "${role}";
  grant execute on function river_job_state_in_bitmask to "${role}"`;

describe('a role that may insert and select jobs, and nothing else', () => {
  let database: TestDatabase;
  let client: StartedClient;
  let role: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    role = roleOf(database);
    await queryAll(database, minimalRole(role));
    client = await startClient({ database, dataSource: { extra: { options: `-c role=${role}` } } });
  });
  afterAll(async () => {
    await client.stop();
    await queryAll(database, `drop owned by "${role}"; drop role "${role}"`);
  });

  test('is the one that inserts, and may not read river_migration', async () => {
    const [row] = await client.dataSource.query<{ current_user: string }[]>('select current_user');
    expect(row?.current_user).toBe(role);
    for (const forbidden of ['select from river_migration', 'update river_job set queue = null']) {
      await expect(client.dataSource.query(forbidden)).rejects.toThrow('permission denied');
    }
  });

  test('inserts plain jobs, alone and in batches', async () => {
    await client.river.insert(jobArgs('plain', {}));
    await client.river.insertMany([jobArgs('plain', {}), jobArgs('plain', {})]);
    expect(await countJobs(database, `kind = 'plain'`)).toBe(3);
  });

  test('inserts unique jobs and meets duplicates', async () => {
    const first = await client.river.insert(jobArgs('unique', {}), UNIQUE);
    const second = await client.river.insert(jobArgs('unique', {}), UNIQUE);
    expect(second).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
  });

  test('loses a race for a unique job', async () => {
    const inserts = Array.from({ length: 8 }, () =>
      client.river.insert(jobArgs('raced', {}), UNIQUE),
    );
    const ids = new Set((await Promise.all(inserts)).map(({ job }) => job.id));
    expect(ids.size).toBe(1);
  });

  test('takes the lock path, and explains both', async () => {
    const locked = { uniqueOpts: { byArgs: true, byState: ['available'] satisfies JobState[] } };
    const first = await client.river.insert(jobArgs('locked', {}), locked);
    const second = await client.river.insert(jobArgs('locked', {}), locked);
    expect(second).toMatchObject({ uniqueSkippedAsDuplicated: true, job: { id: first.job.id } });
    for (const opts of [locked, UNIQUE]) {
      expect(await client.river.explainUnique(jobArgs('locked', {}), opts)).toBeDefined();
    }
  });

  test('inserts in transactions', async () => {
    await client.transaction.run(() => client.river.insert(jobArgs('in_transaction', {}), UNIQUE));
    expect(await countJobs(database, `kind = 'in_transaction'`)).toBe(1);
  });

  test.each([
    ['select on river_job', 'on river_job'],
    ['insert on river_job', 'on river_job'],
    ['usage on sequence river_job_id_seq', 'on sequence river_job_id_seq'],
  ])('is told by the error what it lacks without %s', async (right) => {
    await queryAll(database, `revoke ${right} from "${role}"`);
    try {
      await expect(client.river.insert(jobArgs('plain', {}), UNIQUE)).rejects.toMatchObject({
        name: 'DatabaseError',
        sqlState: '42501',
        message: expect.stringContaining(
          "It needs USAGE on River's schema, INSERT and SELECT on river_job",
        ) as unknown,
      });
    } finally {
      await queryAll(database, `grant ${right} to "${role}"`);
    }
  });
});
