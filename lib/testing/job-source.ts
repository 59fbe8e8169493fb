import type { EntityManager, QueryRunner } from 'typeorm';
import type { JobListParams, JobListResult } from '../admin/job-list-params.js';
import { RiverClient } from '../client/river-client.js';
import type { JobRow } from '../job/row/job-row.js';
import { readerOf } from './fake-readers.js';
import { dataSourceOf, isQueryRunner } from '../transaction/explicit-transaction.js';

/**
 * Where jobs are searched: what a client sees (in the transaction that the running code is in), or
 * what is seen in the transaction of an entity manager or a query runner.
 */
export type JobSource = RiverClient | EntityManager | QueryRunner;

const PAGE = 10_000;

/** The jobs that the source sees, in the order in which they were inserted. */
export async function jobsIn(
  source: JobSource,
  filters: Pick<JobListParams, 'kinds'> = {},
): Promise<readonly JobRow[]> {
  const list = listing(source);
  const jobs: JobRow[] = [];
  let after: string | undefined;
  do {
    const page = await list({ ...filters, first: PAGE, after });
    jobs.push(...page.jobs);
    after = page.jobs.length < PAGE ? undefined : page.lastCursor;
  } while (after !== undefined);
  return jobs;
}

function listing(source: JobSource): RiverClient['jobList'] {
  const queryRunner = isQueryRunner(source)
    ? source
    : (source as EntityManager | null)?.queryRunner;
  const fake = readerOf(source);
  if (fake !== undefined) return (params) => fake.jobListTx(source as EntityManager, params);
  if (typeof (source as Partial<RiverClient> | null)?.jobList === 'function') {
    return (params) => listedBy(source as RiverClient, params);
  }
  const dataSource =
    Object(source) === source && dataSourceOf(queryRunner ?? (source as QueryRunner));
  if (!dataSource || typeof dataSource.isInitialized !== 'boolean') throw unknownSource();
  const client = readerOf(dataSource) ?? new RiverClient(dataSource, {});
  return queryRunner?.isTransactionActive === true
    ? (params) => client.jobListTx(queryRunner, params)
    : (params) => client.jobList(params);
}

/** An automatic mock of anything has a `jobList`, too. */
async function listedBy(
  client: RiverClient,
  params: JobListParams | undefined,
): Promise<JobListResult> {
  const page = (await client.jobList(params)) as JobListResult | undefined;
  if (Array.isArray(page?.jobs)) return page;
  throw new TypeError(
    'The client is a mock, which stores no jobs, or the mock of an entity manager that no client has been given. ' +
      'Pass the client of RiverTestingModule, or of createFakeRiver().',
  );
}

function unknownSource(): TypeError {
  return new TypeError(
    'Jobs are read by a RiverClient, or by an EntityManager or a QueryRunner of the data source. This is none ' +
      'of them, or a mock that no insertTx(...) of a client in memory has been given. Pass the client.',
  );
}
