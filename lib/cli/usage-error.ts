/** The command line makes no sense; nothing was done. */
export class UsageError extends Error {}
