import { refusal } from '../errors/checks.js';
import { InvalidParamsError } from '../errors/invalid-errors.js';
import { sha256 } from '../insert/unique/unique-key.js';
import { checkJobId } from './job-id.js';

const refuse = refusal(InvalidParamsError, 'RIVER_INVALID_CURSOR');

/** A place in the order of a list: behind the job that has this time and this id. */
export interface JobPosition {
  /** As Postgres prints it to JSON, to the microsecond; null when the job has none, or by id alone. */
  readonly time: string | null;
  readonly id: string;
}

/** The form in which Postgres prints a timestamptz to JSON. */
const TIME = /^(\d{4,6}-\d\d-\d\dT[\d:.]+[+-][\d:]+( BC)?|-?infinity)$/;

/** The filters and the order of a list in a few characters, to tell whose a cursor is. */
export function cursorQuery(list: object): string {
  return sha256(JSON.stringify(list)).toString('base64url').slice(0, 12);
}

export function encodeCursor(query: string, { time, id }: JobPosition): string {
  return Buffer.from(JSON.stringify([query, id, time])).toString('base64url');
}

/**
 * @param list the query, and whether each of its jobs has a time that they are ordered by
 * @throws InvalidParamsError when it is no cursor, or one of another query
 */
export function decodeCursor(
  cursor: unknown,
  { query, hasTime }: { readonly query: string; readonly hasTime: boolean },
): JobPosition {
  const [itsQuery, id, time] = parse(cursor);
  if (
    typeof itsQuery !== 'string' ||
    typeof id !== 'string' ||
    !(time === null || isTime(time)) ||
    // That of another query is told so.
    (itsQuery === query && hasTime && time === null)
  ) {
    throw refuse('after', 'must be the lastCursor of a page of jobList');
  }
  if (itsQuery !== query) {
    throw refuse(
      'after',
      'this cursor belongs to another query. Give the filters and the order of the page that it came ' +
        'with, or begin again without it',
    );
  }
  return { id: checkJobId(id, 'after'), time };
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value);
}

function parse(cursor: unknown): unknown[] {
  // Buffer.from() also takes lists, and copies them, whatever their length.
  if (typeof cursor !== 'string') return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
