import type { InsertParams } from '../insert/insert-params.js';
import { timestamp } from './timestamp.js';

/**
 * The parameters $1 to $13 of the insert statements: a column each, then the creation time (one
 * clock reading serves a whole call) and the queues to wake.
 */
export function insertValues(jobs: readonly InsertParams[], wake: readonly string[]): unknown[] {
  return [
    jobs.map((job) => job.encodedArgs),
    jobs.map((job) => job.kind),
    jobs.map((job) => job.maxAttempts),
    jobs.map((job) => job.metadata),
    jobs.map((job) => job.priority),
    jobs.map((job) => job.queue),
    jobs.map((job) => timestamp(job.scheduledAt)),
    jobs.map((job) => job.state),
    // A tag holds no comma: its pattern is letters, digits, '_' and '-'.
    jobs.map((job) => job.tags.join(',')),
    jobs.map((job) => (job.unique?.path === 'index' ? job.unique.hash.toString('hex') : null)),
    jobs.map((job) => (job.unique?.path === 'index' ? job.unique.stateBits : null)),
    timestamp(jobs[0]?.createdAt ?? new Date(0)),
    wake,
  ];
}
