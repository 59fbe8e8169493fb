/** Nanoseconds from 0001-01-01T00:00:00Z, where Go's clock begins, to 1970. */
const YEAR_ONE_NS = -62_135_596_800_000_000_000n;

/**
 * The beginning of the period that a time lies in, as RFC 3339 in UTC with whole seconds. Periods
 * are counted from 0001-01-01T00:00:00Z, as Go's `Time.Truncate` does.
 *
 * @param seconds length of a period
 */
export function periodStart(time: Date, seconds: number): string {
  const period = BigInt(Math.trunc(seconds * 1e9));
  const sinceYearOne = BigInt(time.getTime()) * 1_000_000n - YEAR_ONE_NS;
  const into = ((sinceYearOne % period) + period) % period;
  const start = sinceYearOne - into + YEAR_ONE_NS;
  const milliseconds = Number(
    start >= 0n ? start / 1_000_000n : -((999_999n - start) / 1_000_000n),
  );
  return formatSeconds(new Date(Math.floor(milliseconds / 1000) * 1000));
}

/** Like Go's RFC 3339: four digits of year at least, a sign only before negative years. */
function formatSeconds(time: Date): string {
  const year = time.getUTCFullYear();
  const digits = String(Math.abs(year)).padStart(4, '0');
  const rest = time
    .toISOString()
    .replace(/^[+-]?\d+/, '')
    .replace('.000Z', 'Z');
  return `${year < 0 ? '-' : ''}${digits}${rest}`;
}
