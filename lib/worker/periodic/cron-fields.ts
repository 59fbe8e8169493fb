interface Bounds {
  readonly min: number;
  readonly max: number;
  /** The number of the first is the least. */
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

/**
 * Writes the five fields of a cron expression as lists of numbers, so that they mean what Go's
 * `cron.ParseStandard` takes them for: `5/15` counts from 5 to the end, and a step of 1 is not a step.
 *
 * @throws RangeError saying which part is not one
 */
export function listedFields(expression: string): string {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== FIELDS.length)
    throw new RangeError(`must have ${FIELDS.length} fields; got ${fields.length}`);
  return fields.map((field, place) => listed(field, FIELDS[place] as Bounds)).join(' ');
}

function listed(field: string, bounds: Bounds): string {
  const values = new Set<number>();
  let isAny = false;
  for (const part of field.split(',')) {
    const range = rangeOf(part, bounds);
    if (range.isAny && range.step === 1) isAny = true;
    for (let value = range.first; value <= range.last; value += range.step) values.add(value);
  }
  return isAny ? '*' : [...values].sort((a, b) => a - b).join(',');
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly isAny: boolean;
}

function rangeOf(part: string, bounds: Bounds): Range {
  const [, any, from, to, given] = /^(?:([*?])|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part) ?? [];
  const step = Number(given ?? 1);
  const first = any === undefined ? numberOf(from, bounds) : bounds.min;
  const isOpen = any !== undefined || (to === undefined && given !== undefined);
  const last = isOpen ? bounds.max : numberOf(to ?? from, bounds);
  if (step > 0 && first >= bounds.min && first <= last && last <= bounds.max)
    return { first, last, step, isAny: any !== undefined };
  throw new RangeError(`'${part.slice(0, 40)}' is not a value from ${bounds.min} to ${bounds.max}`);
}

/** NaN for text that is not a number: no range contains it. */
function numberOf(text: string | undefined, { min, names = [] }: Bounds): number {
  const place = names.indexOf(text?.toLowerCase() ?? '');
  return place >= 0 ? place + min : /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
}
