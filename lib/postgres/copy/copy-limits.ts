/** Times of a bulk insert, in milliseconds. They are not options; tests shorten them. */
export const copyLimits = {
  /** How often a bulk insert checks that it is still of use. */
  checkEveryMs: 250,
  /** Without an item for so long, items and the statements that wait are taken for a deadlock. */
  stalledAfterMs: 5_000,
  /** How long the server may take to answer when a bulk insert is aborted. */
  cutAfterMs: 1_000,
  /** How long the items may take to clean up when a bulk insert fails. */
  closeWithinMs: 5_000,
};
