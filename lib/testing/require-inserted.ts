import type { JobRow } from '../job/row/job-row.js';
import type { Jsonify } from '../job/row/jsonify.js';
import { checkExpected, differences, type ExpectedJob } from './expected-job.js';
import { differenceLines, failure, jobLines } from './failure.js';
import { kindOf, type JobClass } from './job-class.js';
import { jobsIn, type JobSource } from './job-source.js';

/** One of the jobs of {@link requireManyInserted}. */
export type ExpectedInList =
  JobClass | readonly [jobClass: JobClass, expected: ExpectedJob<Record<string, unknown>>];

/**
 * Requires that exactly one job of a kind is inserted, and that it is as expected. Where there are
 * several of the kind, exactly one of them must be as expected.
 *
 * @param source a client, which looks in the transaction that the running code is in; or the entity
 *   manager or query runner of a transaction, also one that is still open
 * @returns the job
 * @throws JobRequirementError, whose message shows what was inserted instead
 * @example const job = await requireInserted(river, SendReceipt, { priority: 3, args: { orderId: 7 } });
 */
export async function requireInserted<Args extends object>(
  source: JobSource,
  jobClass: JobClass<Args>,
  expected: ExpectedJob<Args> = {},
): Promise<JobRow<Jsonify<Args>>> {
  checkExpected(expected);
  const kind = kindOf(jobClass);
  const jobs = await jobsIn(source, { kinds: [kind] });
  const found = jobs.filter((job) => differences(job, expected).length === 0);
  const [job] = found;
  if (job !== undefined && found.length === 1) return job as JobRow<Jsonify<Args>>;
  const [only] = jobs;
  if (only === undefined) {
    const title = 'Jobs of other kinds that are there:';
    throw failure(`No job of kind "${kind}" was inserted.`, jobLines(title, await jobsIn(source)));
  }
  if (found.length > 1) {
    const many = `${found.length} jobs of kind "${kind}" were inserted${asExpected(expected)}, and one was expected.`;
    throw failure(many, jobLines('They are:', found), 'For several, use requireManyInserted.');
  }
  if (jobs.length === 1) {
    const lines = differenceLines(differences(only, expected));
    const title = `The job of kind "${kind}" is not as expected:\n${lines}`;
    throw failure(title, jobLines('It is:', jobs));
  }
  const none = `None of the ${jobs.length} jobs of kind "${kind}" is as expected:`;
  const each = jobs.map((other) => `  id ${other.id}\n${indented(differences(other, expected))}`);
  throw failure([none, ...each].join('\n'), jobLines('They are:', jobs));
}

/**
 * Requires that of the kinds named exactly these jobs are inserted, in this order. Jobs of other kinds
 * are not looked at.
 *
 * @param source as for {@link requireInserted}
 * @returns the jobs
 * @throws JobRequirementError
 * @example await requireManyInserted(river, [ReserveStock, [SendReceipt, { priority: 3 }]]);
 */
export async function requireManyInserted(
  source: JobSource,
  expected: readonly ExpectedInList[],
): Promise<JobRow[]> {
  if (!Array.isArray(expected) || expected.length === 0) {
    throw new TypeError('requireManyInserted must be given a list of at least one job.');
  }
  const wanted = (expected as readonly ExpectedInList[]).map(inList);
  const kinds = [...new Set(wanted.map(({ kind }) => kind))];
  const jobs = await jobsIn(source, { kinds });
  const there = jobLines('Inserted of these kinds:', jobs);
  const order = wanted.map(({ kind }) => kind).join(', ');
  if (jobs.map(({ kind }) => kind).join(', ') !== order) {
    const counts = `(${wanted.length} expected, ${jobs.length} inserted)`;
    throw failure(`Jobs of the kinds ${order} were expected, in this order ${counts}.`, there);
  }
  const wrong = wanted.flatMap((each, index) => {
    const job = jobs[index];
    const found = job === undefined ? [] : differences(job, each.expected);
    return found.length === 0 ? [] : [`  at index ${index} (${each.kind})\n${indented(found)}`];
  });
  if (wrong.length === 0) return [...jobs];
  throw failure(['The jobs are not as expected:', ...wrong].join('\n'), there);
}

/**
 * Requires that no job of a kind is inserted; with `expected`, that none is that is so.
 *
 * @param source as for {@link requireInserted}
 * @throws JobRequirementError
 * @example await requireNotInserted(river, SendReceipt);
 */
export async function requireNotInserted<Args extends object>(
  source: JobSource,
  jobClass: JobClass<Args>,
  expected: ExpectedJob<Args> = {},
): Promise<void> {
  checkExpected(expected);
  const kind = kindOf(jobClass);
  const jobs = await jobsIn(source, { kinds: [kind] });
  const found = jobs.filter((job) => differences(job, expected).length === 0);
  if (found.length === 0) return;
  const count = found.length === 1 ? 'A job' : `${found.length} jobs`;
  const what = `${count} of kind "${kind}" ${found.length === 1 ? 'was' : 'were'} inserted${asExpected(expected)}, and none was expected.`;
  throw failure(what, jobLines('Inserted:', found));
}

function inList(item: ExpectedInList): { kind: string; expected: ExpectedJob } {
  const [jobClass, expected = {}] = (Array.isArray(item) ? item : [item]) as [
    JobClass,
    ExpectedJob?,
  ];
  checkExpected(expected);
  return { kind: kindOf(jobClass), expected };
}

function asExpected(expected: ExpectedJob): string {
  const names = Object.keys(expected);
  return names.length === 0 ? '' : ` with the ${names.join(', ')} given`;
}

function indented(found: Parameters<typeof differenceLines>[0]): string {
  return differenceLines(found).replace(/^/gm, '  ');
}
