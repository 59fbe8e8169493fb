/** Postgres' spelling of a time in UTC: years before 1 are counted backwards from 1 BC. */
export function timestamp(time: Date): string {
  const text = time.toISOString();
  const year = time.getUTCFullYear();
  if (year > 0 && year < 10_000) return text;
  const rest = text.replace(/^[+-]?\d+/, '');
  const digits = (positive: number): string => String(positive).padStart(4, '0');
  return year > 0 ? `${digits(year)}${rest}` : `${digits(1 - year)}${rest} BC`;
}

/** The first whole microsecond, as Postgres stores them, that is not before a time. */
export function timestampOfNanoseconds(nanoseconds: bigint): string {
  const microseconds = ceilDivide(nanoseconds, 1000n);
  const milliseconds = ceilDivide(microseconds - 999n, 1000n);
  const below = String(microseconds - milliseconds * 1000n).padStart(3, '0');
  return timestamp(new Date(Number(milliseconds))).replace('Z', `${below}Z`);
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor > 0n ? quotient + 1n : quotient;
}

/** SQL for the milliseconds since 1970 of a column, whose text does not depend on the session. */
export function epochMilliseconds(column: string): string {
  return `(extract(epoch FROM ${column}) OPERATOR(pg_catalog.*) 1000)::pg_catalog.text`;
}

/** SQL for the whole microseconds since 1970 of a time. */
export function epochMicroseconds(time: string): string {
  return `(extract(epoch FROM ${time}) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8::pg_catalog.text`;
}

/** Milliseconds since 1970 with a fraction, cut to the milliseconds that a Date holds. */
export function decodeTime(text: string | null | undefined): Date | null {
  return text == null ? null : new Date(Math.floor(Number(text)));
}
