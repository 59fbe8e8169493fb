import type { InsertParams } from '../insert/insert-params.js';
import { timestamp } from './timestamp.js';

/** The columns that a COPY fills, in the order in which {@link CopyFormat.row} writes them. */
export const COPY_COLUMNS =
  'args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, ' +
  'unique_key, unique_states';

/** Writes jobs as rows of COPY's text format: columns between tabs, `\N` for null. */
export class CopyFormat {
  #last: InsertParams | undefined;
  #rest = '';

  /** Most jobs of a call are like the one before them but for their args, so the rest is kept. */
  row(job: InsertParams): string {
    if (this.#last === undefined || !isAlike(job, this.#last)) this.#rest = restOf(job);
    this.#last = job;
    return escapeJson(job.encodedArgs) + this.#rest;
  }
}

function restOf(job: InsertParams): string {
  const key = job.unique?.path === 'index' ? job.unique : undefined;
  // Queue, state and tags were checked by patterns that leave nothing to escape.
  return (
    `\t${timestamp(job.createdAt)}\t${escapeText(job.kind)}\t${job.maxAttempts}\t` +
    `${escapeJson(job.metadata)}\t${job.priority}\t${job.queue}\t${timestamp(job.scheduledAt)}\t` +
    `${job.state}\t${tagArray(job.tags)}\t` +
    (key === undefined ? '\\N\t\\N\n' : `\\\\x${key.hash.toString('hex')}\t${key.stateBits}\n`)
  );
}

function isAlike(a: InsertParams, b: InsertParams): boolean {
  return (
    a.unique === b.unique &&
    a.createdAt.getTime() === b.createdAt.getTime() &&
    a.kind === b.kind &&
    a.maxAttempts === b.maxAttempts &&
    a.metadata === b.metadata &&
    a.priority === b.priority &&
    a.queue === b.queue &&
    a.scheduledAt.getTime() === b.scheduledAt.getTime() &&
    a.state === b.state &&
    (a.tags === b.tags || (a.tags.length === 0 && b.tags.length === 0))
  );
}

/** JSON text holds control characters as escapes only, so backslashes are all there is to escape. */
function escapeJson(text: string): string {
  return text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escapeText(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

/** In quotes, since an array's bare `null` would be no text. */
function tagArray(tags: readonly string[]): string {
  return tags.length === 0 ? '{}' : `{"${tags.join('","')}"}`;
}
