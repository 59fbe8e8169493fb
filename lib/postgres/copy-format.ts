import type { InsertParams } from '../insert/insert-params.js';
import { timestamp } from './timestamp.js';

/** The columns that a COPY fills, in the order in which {@link CopyFormat.row} writes them. */
export const COPY_COLUMNS =
  'args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, ' +
  'unique_key, unique_states';

/** Writes jobs as rows of COPY's text format: columns between tabs, `\N` for null. */
export class CopyFormat {
  readonly #createdAt = remembering(timeText);
  readonly #scheduledAt = remembering(timeText);
  readonly #kind = remembering(escapeText);

  row(job: InsertParams): string {
    const key = job.unique?.path === 'index' ? job.unique : undefined;
    // Queue, state and tags were checked by patterns that leave nothing to escape.
    return (
      `${escapeJson(job.encodedArgs)}\t${this.#createdAt(job.createdAt.getTime())}\t${this.#kind(job.kind)}\t` +
      `${job.maxAttempts}\t${escapeJson(job.metadata)}\t${job.priority}\t${job.queue}\t` +
      `${this.#scheduledAt(job.scheduledAt.getTime())}\t${job.state}\t${tagArray(job.tags)}\t` +
      (key === undefined ? '\\N\t\\N\n' : `\\\\x${key.hash.toString('hex')}\t${key.stateBits}\n`)
    );
  }
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

function timeText(milliseconds: number): string {
  return timestamp(new Date(milliseconds));
}

/** Most jobs of a call have a value in common with the one before them. */
function remembering<T>(write: (value: T) => string): (value: T) => string {
  let last: T | undefined;
  let text = '';
  return (value) => {
    if (value !== last) {
      text = write(value);
      last = value;
    }
    return text;
  };
}
