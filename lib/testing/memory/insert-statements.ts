import type { JobState } from '../../job/row/job-state.js';
import {
  PLAIN_COLUMNS,
  UNIQUE_COLUMNS,
  type InsertColumn,
} from '../../postgres/insert/insert-columns.js';
import { jsonbText } from './jsonb.js';
import type { MemoryTransaction } from './memory-store.js';
import { jobRow, timeOf, timeText, type JobRecord } from './records.js';
import { currentTime } from './clock.js';
import { answer, type Answer } from './answer.js';

/** The values of one job, by their columns. */
type Values = Readonly<Record<string, string | number | null>>;

export function insertOne(transaction: MemoryTransaction, values: readonly unknown[]): Answer {
  return insertPlain(transaction, [valuesOfOne(values, PLAIN_COLUMNS)]);
}

export function insertMany(transaction: MemoryTransaction, values: readonly unknown[]): Answer {
  return insertPlain(transaction, valuesOfMany(values, PLAIN_COLUMNS));
}

export function insertUniqueOne(
  transaction: MemoryTransaction,
  values: readonly unknown[],
): Answer {
  return insertUnique(transaction, [valuesOfOne(values, UNIQUE_COLUMNS)]);
}

export function insertUniqueMany(
  transaction: MemoryTransaction,
  values: readonly unknown[],
): Answer {
  return insertUnique(transaction, valuesOfMany(values, UNIQUE_COLUMNS));
}

function insertPlain(transaction: MemoryTransaction, jobs: readonly Values[]): Answer {
  const rows = jobs.map((values) => {
    const job = transaction.insertJob(recordOf(transaction, values));
    return { id: String(job.id), ...times(job), ...about(transaction) };
  });
  return answer('INSERT', rows);
}

function insertUnique(transaction: MemoryTransaction, jobs: readonly Values[]): Answer {
  const rows = jobs.map((values) => {
    const key = values['unique_key'];
    const holder = typeof key === 'string' ? transaction.holderOf(key) : undefined;
    if (holder !== undefined) {
      const existing = JSON.stringify(jobRow(holder));
      return { inserted: null, existing, ...about(transaction) };
    }
    const job = transaction.insertJob(recordOf(transaction, values));
    return { inserted: String(job.id), existing: null, ...times(job), ...about(transaction) };
  });
  return answer('SELECT', rows);
}

/** The table has no triggers. */
function about({ xid }: MemoryTransaction): Record<string, string> {
  return { triggers: 'f', xid };
}

function times({ createdAt, scheduledAt }: JobRecord): Record<string, string | null> {
  return { created_at: timeText(createdAt), scheduled_at: timeText(scheduledAt) };
}

function recordOf(transaction: MemoryTransaction, values: Values): Omit<JobRecord, 'id'> {
  const text = (name: string): string => String(values[name]);
  const optional = (name: string): string | null => {
    const value = values[name];
    return value == null ? null : String(value);
  };
  const createdAt = optional('created_at');
  const tags = text('tags');
  return {
    args: jsonbText(text('args')),
    attempt: 0,
    attemptedAt: null,
    attemptedBy: [],
    createdAt: createdAt === null ? transaction.startedAt : timeOf(createdAt),
    errors: [],
    finalizedAt: null,
    kind: text('kind'),
    maxAttempts: Number(values['max_attempts']),
    metadata: jsonbText(text('metadata')),
    priority: Number(values['priority']),
    queue: text('queue'),
    scheduledAt: due(optional('scheduled_at'), transaction),
    state: text('state') as JobState,
    tags: tags === '' ? [] : tags.split(','),
    uniqueKey: optional('unique_key'),
    uniqueStates: optional('unique_states'),
  };
}

/** A delay counts from the statement. */
function due(value: string | null, { startedAt }: MemoryTransaction): number {
  if (value === null) return startedAt;
  return value.startsWith('+') ? Math.floor(currentTime() + Number(value)) : timeOf(value);
}

/** What `oneJobValues` has made. */
function valuesOfOne(values: readonly unknown[], columns: readonly InsertColumn[]): Values {
  const entries = columns.map(({ name }, place) => [name, values[place + 1]]);
  return Object.fromEntries([['args', values[0]], ...entries]) as Values;
}

/** What `manyJobsValues` has made. */
function valuesOfMany(values: readonly unknown[], columns: readonly InsertColumn[]): Values[] {
  return String(values[0])
    .split('\x1e')
    .map((args, index) => {
      const entries = columns.map(({ name }, place) => {
        const each = values[2 * place + 1] as readonly unknown[] | null;
        return [name, each === null ? values[2 * place + 2] : each[index]];
      });
      return Object.fromEntries([['args', args], ...entries]) as Values;
    });
}
