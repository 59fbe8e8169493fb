import { CANCEL_MARK } from '../../postgres/administration/job-change-statements.js';
import { answer, type Answer } from './answer.js';
import { conditionsOf, jobTime } from './job-conditions.js';
import { cancel, FINAL, remove, retry, withFreePlaces } from './job-statements.js';
import { parseJsonb } from './jsonb.js';
import type { MemoryTransaction } from './memory-store.js';
import { jobRow, type JobRecord } from './records.js';
import { unsupported } from './unsupported.js';

const PICK =
  /\(SELECT job\.id, (?:NULL::timestamptz|job\.(\w+)) AS position\n\s+FROM \S+ AS job WHERE (.*) ORDER BY (.*) LIMIT \$(\d+)::int\)/g;

/** A statement of `jobListStatement`. */
export function listJobs(
  transaction: MemoryTransaction,
  values: readonly unknown[],
  text: string,
): Answer {
  const picks = [...text.matchAll(PICK)];
  const [, column, , order = '', limit] = picks[0] ?? [];
  const isDescending = order.endsWith('DESC');
  const jobs = transaction.jobs();
  const found = picks.flatMap(([, , where = '']) => jobs.filter(holding(where, values)));
  found.sort((a, b) => (isDescending ? -1 : 1) * compare(a, b, column));
  const rows = found.slice(0, Number(values[Number(limit) - 1])).map((job) => {
    const time = column === undefined ? null : jobTime(job, column);
    const position = time === null ? null : new Date(time).toISOString().replace('Z', '+00:00');
    return { ...jobRow(job), position };
  });
  return answer('SELECT', rows);
}

const PICKED = /WHERE (.*)\n\s+ORDER BY .* LIMIT \$(\d+)::int\n\s+FOR UPDATE SKIP LOCKED/s;

/** What stands behind the filters: which jobs the action can change. {@link actionOf} says it here. */
const OF_ACTION = /(?:\n {4}AND )?NOT job\.state [^]*$/;

/** A statement of `jobManyStatement`: changes or deletes jobs, those that are locked passed over. */
export function changeJobs(
  transaction: MemoryTransaction,
  values: readonly unknown[],
  text: string,
): Answer {
  const [, where = '', limit] = PICKED.exec(text) ?? [];
  const [canChange, change] = actionOf(transaction, text);
  const holds = holding(where.replace(OF_ACTION, ''), values);
  const jobs = transaction
    .jobs()
    .filter((job) => holds(job) && canChange(job) && !transaction.isLocked(job.id));
  const free = change === retry ? withFreePlaces(transaction, jobs) : jobs;
  const picked = free.slice(0, Number(values[Number(limit) - 1]));
  const changed = picked.map((job) => change(transaction, job) ?? job);
  return answer('SELECT', changed.map(jobRow));
}

type Change = (transaction: MemoryTransaction, job: JobRecord) => JobRecord | undefined;

/** What is done, and to which jobs it can be done. */
function actionOf(
  transaction: MemoryTransaction,
  text: string,
): [canChange: (job: JobRecord) => boolean, change: Change] {
  if (/\bDELETE FROM\b/.test(text)) return [({ state }) => state !== 'running', remove];
  if (/SET state = 'available'/.test(text)) {
    const left = text.includes(`NOT job.state = 'completed'`)
      ? ['running', 'completed']
      : ['running'];
    const { startedAt } = transaction;
    return [
      ({ state, scheduledAt }) =>
        !left.includes(state) && !(state === 'available' && scheduledAt <= startedAt),
      retry,
    ];
  }
  if (!text.includes("ELSE 'cancelled' END")) throw unsupported('this change of many jobs');
  return [
    ({ state, metadata }) => !FINAL.includes(state) && !(state === 'running' && hasMark(metadata)),
    cancel,
  ];
}

function hasMark(text: string): boolean {
  const metadata = parseJsonb(text);
  return !(metadata instanceof Map) || (metadata.get(CANCEL_MARK) ?? null) !== null;
}

function holding(where: string, values: readonly unknown[]): (job: JobRecord) => boolean {
  const holds = conditionsOf(where, values);
  if (holds === undefined) throw unsupported('a filter of jobs');
  return holds;
}

/** Those without the time are last. */
function compare(a: JobRecord, b: JobRecord, column: string | undefined): number {
  const [first, second] =
    column === undefined ? [0, 0] : [a, b].map((job) => jobTime(job, column) ?? Infinity);
  if (first !== second) return (first ?? 0) < (second ?? 0) ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
