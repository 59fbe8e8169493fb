/** From 1970 back to 0001-01-01T00:00:00Z, where the clock of Go begins, in nanoseconds. */
const YEAR_ONE_NS = -62_135_596_800_000_000_000n;

/** A period, as nanoseconds since 1970. */
export interface Period {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/**
 * The period that a time lies in. Periods are counted from 0001-01-01T00:00:00Z, as Go's
 * `Time.Truncate` does.
 *
 * @param seconds length of a period
 */
export function periodOf(time: Date, seconds: number): Period {
  return periodOfNanoseconds(BigInt(time.getTime()) * 1_000_000n, seconds);
}

/** The same for a time in nanoseconds since 1970. */
export function periodOfNanoseconds(time: bigint, seconds: number): Period {
  const period = nanosecondsOf(seconds);
  const sinceYearOne = time - YEAR_ONE_NS;
  const into = ((sinceYearOne % period) + period) % period;
  const startNs = sinceYearOne - into + YEAR_ONE_NS;
  return { startNs, endNs: startNs + period };
}

/** By the digits written: `1.001 * 1e9` is a little less than 1001 milliseconds. */
function nanosecondsOf(seconds: number): bigint {
  const [whole = '', fraction = ''] = String(seconds).split('.');
  return BigInt(whole + fraction.slice(0, 9).padEnd(9, '0'));
}

/**
 * A time as Go's RFC 3339 writes it in UTC: whole seconds, four digits of year at least, a sign only
 * before negative years.
 */
export function formatSeconds(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n - (nanoseconds % 1_000_000_000n < 0n ? 1n : 0n);
  const time = new Date(Number(seconds) * 1000);
  const year = time.getUTCFullYear();
  const digits = String(Math.abs(year)).padStart(4, '0');
  const rest = time
    .toISOString()
    .replace(/^[+-]?\d+/, '')
    .replace('.000Z', 'Z');
  return `${year < 0 ? '-' : ''}${digits}${rest}`;
}
