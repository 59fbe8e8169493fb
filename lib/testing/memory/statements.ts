import { SchemaName } from '../../postgres/connection/schema-name.js';
import { jobChangeStatements } from '../../postgres/administration/job-change-statements.js';
import { jobGetStatement } from '../../postgres/administration/job-get-statement.js';
import { queueStatements } from '../../postgres/administration/queue-statements.js';
import { queueStatsStatement } from '../../postgres/administration/queue-stats-statement.js';
import { waitingJobStatements } from '../../postgres/administration/waiting-job-statements.js';
import type { Statement } from '../../postgres/connection/statement.js';
import { copyStatements } from '../../postgres/copy/copy-statements.js';
import { notifyStatement } from '../../postgres/insert/notify-statement.js';
import { answer, type Answer } from './answer.js';
import * as inserts from './insert-statements.js';
import * as jobs from './job-statements.js';
import { changeJobs, listJobs } from './list-statements.js';
import type { MemoryTransaction } from './memory-store.js';
import { rescue } from './rescue-statement.js';
import * as queues from './queue-statements.js';
import { SqlError } from './sql-error.js';
import * as unique from './unique-statements.js';

/** What a statement does in memory. */
export type Execute = (
  transaction: MemoryTransaction,
  values: readonly unknown[],
  text: string,
) => Answer;

const row = (values: Readonly<Record<string, string | null>>): Execute => {
  return () => answer('SELECT', [values]);
};

function xidOf({ xid }: MemoryTransaction): Answer {
  return answer('SELECT', [{ xid }]);
}

/** Statements that are put together for each call, or that no other file needs, by what they begin with. */
const BY_PATTERN: readonly (readonly [RegExp, Execute])[] = [
  [/^INSERT INTO \S*river_job \(args, [^)]*\)\nVALUES /, inserts.insertOne],
  [
    /^(WITH limited [^]*?\) )?INSERT INTO \S*river_job \(args, [^)]*\)\nSELECT /,
    inserts.insertMany,
  ],
  [/^WITH existing AS MATERIALIZED /, inserts.insertUniqueOne],
  [/^WITH wanted AS MATERIALIZED /, inserts.insertUniqueMany],
  [/^SELECT [^]*FROM \S*river_job AS job\nWHERE job\.unique_key = decode/, unique.findByKey],
  [/^SELECT [^]*AND job\.unique_key <> decode/, unique.findOtherKeys],
  [/^SELECT [^]*AS given\(kind, args, paths, queue, states,/, unique.findEqual],
  [
    /^SELECT current_setting\('transaction_isolation'\)[^]*pg_advisory_xact_lock/,
    unique.lockUnique,
  ],
  [/^WITH listed AS \(/, listJobs],
  [/^WITH picked AS MATERIALIZED /, changeJobs],
  [/^SELECT given\.id::text AS given, /, jobs.findFinished],
  [/ AS present, EXISTS \(/, row({ present: 't', current: 't' })],
  [/^SELECT EXISTS \([^]*AS triggers$/, row({ triggers: 'f' })],
  [
    /^SELECT [^;]* AS transaction_time, [^;]* AS statement_time$/,
    (transaction) => answer('SELECT', [jobs.databaseTimes(transaction)]),
  ],
  [/^SELECT pg_current_xact_id_if_assigned\(\)::text AS xid$/, xidOf],
  [/^SELECT set_config\('(statement|lock)_timeout'/, row({})],
  // What TypeORM asks as it connects.
  [/^SELECT version\(\)/i, row({ version: 'PostgreSQL 18.0' })],
  [/^SHOW server_version/i, row({ server_version: '18.0' })],
  [/^SELECT \* FROM current_database\(\)/i, row({ current_database: 'memory' })],
  [/^SELECT \* FROM current_schema\(\)/i, row({ current_schema: 'public' })],
];

const byPrefix = new Map<string, ReadonlyMap<string, Execute>>();

/** What a statement does; undefined when it is not one of River's client. */
export function executeOf(text: string): Execute | undefined {
  const name = /"(\w+)"\.river_(?:job|queue)\b/.exec(text)?.[1];
  const known = statementsOf(name).get(text);
  if (known !== undefined) return known;
  const unqualified = text
    .replace(/OPERATOR\(pg_catalog\.([^)]+)\)/g, '$1')
    .replaceAll('pg_catalog.', '');
  const found = BY_PATTERN.find(([pattern]) => pattern.test(unqualified))?.[1];
  return found && ((transaction, values) => found(transaction, values, unqualified));
}

function statementsOf(name: string | undefined): ReadonlyMap<string, Execute> {
  const made = byPrefix.get(name ?? '');
  if (made !== undefined) return made;
  const schema = new SchemaName(name);
  const change = jobChangeStatements(schema);
  const waiting = waitingJobStatements(schema);
  const queue = queueStatements(schema);
  const bulk = copyStatements(schema);
  const all: readonly (readonly [Statement, Execute])[] = [
    [change.cancel, jobs.changing(jobs.cancel)],
    [change.retry, jobs.changing(jobs.retry)],
    [change.delete, jobs.changing(jobs.remove)],
    [change.update, jobs.changing(jobs.update)],
    [change.rescue, jobs.changing(rescue)],
    [waiting.lock, jobs.lockWaiting],
    [waiting.holder, jobs.findHolder],
    [waiting.change, jobs.changeWaiting],
    [jobGetStatement(schema), jobs.getJobs],
    [queue.get, queues.getQueue],
    [queue.list, queues.listQueues],
    [queue.pause, queues.pauseQueues],
    [queue.pauseUnannounced, queues.pauseUnannounced],
    [queue.resume, queues.resumeQueues],
    [queue.update, queues.updateQueue],
    [
      queueStatsStatement(schema, { finalized: false }),
      queues.countingQueues({ finalized: false }),
    ],
    [queueStatsStatement(schema, { finalized: true }), queues.countingQueues({ finalized: true })],
    [notifyStatement(schema), () => answer('SELECT')],
    [bulk.wake, xidOf],
    [
      bulk.abort,
      () => {
        throw new SqlError('22012', 'division by zero');
      },
    ],
  ];
  const statements = new Map(all.map(([{ text }, execute]) => [text, execute]));
  byPrefix.set(name ?? '', statements);
  return statements;
}
