import type { EntityManager, QueryRunner } from 'typeorm';
import type { JobListParams } from '../admin/job-list-params.js';
import { RiverClient } from '../client/river-client.js';
import type { JobRow } from '../job/row/job-row.js';
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
  if (typeof (source as Partial<RiverClient> | null)?.jobList === 'function') {
    return (params) => (source as RiverClient).jobList(params);
  }
  const queryRunner = isQueryRunner(source)
    ? source
    : (source as EntityManager | null)?.queryRunner;
  const dataSource = queryRunner
    ? dataSourceOf(queryRunner)
    : dataSourceOf(source as unknown as QueryRunner);
  if (typeof dataSource?.createQueryRunner !== 'function') throw unknownSource();
  const client = new RiverClient(dataSource, {});
  return queryRunner?.isTransactionActive === true
    ? (params) => client.jobListTx(queryRunner, params)
    : (params) => client.jobList(params);
}

function unknownSource(): TypeError {
  return new TypeError(
    'Jobs are read by a RiverClient, or by an EntityManager or a QueryRunner of the data source.',
  );
}
