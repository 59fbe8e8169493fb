import type {
  JobListResult,
  JobRow,
  Queue,
  QueueStats,
  RiverClient,
  Transaction,
} from 'nestjs-river';
import { typeOf } from './same.js';

class Report {
  readonly day!: Date;
}

export async function rows(river: RiverClient, stats: QueueStats, tx: Transaction): Promise<void> {
  const job = await river.jobGet('12', Report);
  typeOf(await river.jobGetTx(tx, '12', Report)).is<JobRow<Report>>(true);
  typeOf(await river.jobGet('12')).is<JobRow>(true);
  typeOf(job.args.day).is<string>(true);
  typeOf(await river.jobCancel(job.id)).is<JobRow>(true);
  typeOf(await river.jobList()).is<JobListResult>(true);
  typeOf(await river.queueUpdate('mail', {})).is<Queue>(true);
  typeOf(stats.counts.available).is<number>(true);
  // Counts of jobs that are done are there only when asked for.
  typeOf(stats.counts.completed).is<number | undefined>(true);
}

export async function parameters(river: RiverClient, job: JobRow): Promise<void> {
  await river.jobList({ states: ['completed'], orderBy: 'finalizedAt', first: undefined });
  // @ts-expect-error a type alone does not check the kind
  await river.jobGet<Report>(1n);
  // @ts-expect-error only reading a job checks its kind
  await river.jobCancel<Report>(1n);
  // @ts-expect-error an instance is not a class
  await river.jobGet(1n, new Report());
  // @ts-expect-error a row is not an id
  await river.jobGet(job);
  // @ts-expect-error there is no such state
  await river.jobList({ states: ['done'] });
  // @ts-expect-error fields are named as in JavaScript
  await river.jobList({ orderBy: 'finalized_at' });
  // @ts-expect-error there is no such parameter
  await river.jobList({ limit: 5 });
  // @ts-expect-error that all jobs are meant has to be said
  await river.jobDeleteMany();
  // @ts-expect-error that all jobs are meant has to be said
  await river.jobCancelMany();
  // @ts-expect-error a deletion has no order
  await river.jobDeleteMany({ unsafeAll: true, orderBy: 'id' });
  // @ts-expect-error the state is not for callers to set
  await river.jobUpdate(1n, { state: 'available' });
}
