import type { JobState } from '../../job/row/job-state.js';
import { answer, type Answer } from './answer.js';
import { databaseTimes } from './job-statements.js';
import { areEqual, parseJsonb, printJsonb, valueAt } from './jsonb.js';
import type { MemoryTransaction } from './memory-store.js';
import { indexedKey, jobRow, timeOf, type JobRecord } from './records.js';

/** Advisory locks, and the time of the database; nothing where a look-up would see too little. */
export function lockUnique(transaction: MemoryTransaction, [keys]: readonly unknown[]): Answer {
  if (!transaction.isolation.startsWith('read ')) return answer('SELECT');
  for (const key of keys as readonly string[]) transaction.lock(key);
  const { isolation } = transaction;
  return answer('SELECT', [{ isolation, ...databaseTimes(transaction) }]);
}

export function findByKey(transaction: MemoryTransaction, [key]: readonly unknown[]): Answer {
  const holder = transaction.holderOf(String(key));
  return answer('SELECT', holder === undefined ? [] : [jobRow(holder)]);
}

export function findOtherKeys(
  transaction: MemoryTransaction,
  [kind, queue, key, args]: readonly unknown[],
): Answer {
  const isMeant = (job: JobRecord): boolean =>
    (kind === null || job.kind === kind) &&
    (queue === null || job.queue === queue) &&
    indexedKey(job) !== null &&
    job.uniqueKey !== key;
  const found = transaction.jobs().filter(isMeant).reverse();
  const isEqual = (job: JobRecord): number => Number(areEqual(job.args, String(args)));
  const sorted = found.toSorted((a, b) => isEqual(b) - isEqual(a));
  return answer('SELECT', sorted.slice(0, 100).map(jobRow));
}

/** The oldest job that is equal in what is asked for, one row for each job given. */
export function findEqual(transaction: MemoryTransaction, values: readonly unknown[]): Answer {
  const lists = values as readonly (readonly (string | null)[])[];
  const jobs = transaction.jobs();
  const rows = (lists[0] ?? []).map((_, index) => {
    const [kind, args, paths, queue, states, start, end] = lists.map((list) => list[index] ?? null);
    const wanted = (states ?? '').split(',');
    const period = start == null || end == null ? undefined : [timeOf(start), timeOf(end)];
    const found = jobs.find(
      (job) =>
        wanted.includes(job.state satisfies JobState) &&
        (kind === null || job.kind === kind) &&
        (queue === null || job.queue === queue) &&
        (args == null || hasEqualArgs(job.args, args, paths ?? null)) &&
        (period === undefined || isWithin(job.createdAt, period)),
    );
    return found === undefined ? { id: null } : jobRow(found);
  });
  return answer('SELECT', rows);
}

function hasEqualArgs(stored: string, given: string, paths: string | null): boolean {
  if (paths === null) return areEqual(stored, given);
  const [a, b] = [parseJsonb(stored), parseJsonb(given)];
  return (JSON.parse(paths) as string[][]).every((path) => {
    const [first, second] = [valueAt(a, path), valueAt(b, path)];
    if (first === undefined || second === undefined) return first === second;
    return areEqual(printJsonb(first), printJsonb(second));
  });
}

function isWithin(time: number, [start = 0, end = 0]: readonly number[]): boolean {
  return time >= start && time < end;
}
