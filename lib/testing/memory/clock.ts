/**
 * The clock of the tables in memory, in milliseconds since 1970: the `Date` of the test, which may be a
 * fake one.
 */
export function currentTime(): number {
  return new Date().getTime();
}
