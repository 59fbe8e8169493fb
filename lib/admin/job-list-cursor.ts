import { InvalidParamsError } from '../errors/invalid-params-error.js';
import { sha256 } from '../insert/sha256.js';
import { checkJobId } from './job-id.js';

/** A place in the order of a list: behind the job that has this time and this id. */
export interface JobPosition {
  /** As Postgres prints it to JSON, to the microsecond; null when the job has none, or by id alone. */
  readonly time: string | null;
  readonly id: string;
}

/** What Postgres prints a timestamptz to JSON as. */
const TIME =
  /^(?<year>\d{4,6})-(?<month>0[1-9]|1[0-2])-(?<day>\d\d)T([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?[+-](0\d|1[0-5])(:[0-5]\d){0,2}(?<bc> BC)?$/;

/** Of Postgres' timestamptz, as it is printed in any time zone: 4714 BC, and 294276 by UTC. */
const FIRST_YEAR = -4713;
const LAST_YEAR = 294_277;

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
    throw refused('must be the lastCursor of a page of jobList');
  }
  if (itsQuery !== query) {
    throw refused(
      'this cursor belongs to another query. Give the filters and the order of the page that it came ' +
        'with, or begin again without it',
    );
  }
  return { id: checkJobId(id, 'after'), time };
}

/** Whether Postgres can have printed it, and so can read it: 2020-02-30 is none, 1900-02-29 neither. */
function isTime(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (/^-?infinity$/.test(value)) return true;
  const { year, month, day, bc } = TIME.exec(value)?.groups ?? {};
  if (year === undefined) return false;
  const number = bc === undefined ? Number(year) : 1 - Number(year);
  // A year has the months of any other that is a multiple of 400 years away, and a Date has few years.
  const days = new Date(Date.UTC(2000 + (number % 400), Number(month), 0)).getUTCDate();
  const isYear = number >= FIRST_YEAR && number <= LAST_YEAR && Number(year) > 0;
  return isYear && Number(day) >= 1 && Number(day) <= days;
}

function parse(cursor: unknown): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor as string, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function refused(rule: string): InvalidParamsError {
  return new InvalidParamsError(`after: ${rule}.`, {
    code: 'RIVER_INVALID_CURSOR',
    field: 'after',
  });
}
