/** How an insert wakes workers. */
export interface Wake {
  /** Asked once, before an insert: of its queues those that its statement shall notify itself. */
  admit(queues: readonly string[]): readonly string[];
  /** Told once, after it: the queues that it put jobs into which can be worked at once. */
  stored(queues: readonly string[]): void;
}

/** Every statement notifies: in a transaction, where Postgres sends equal notifications once. */
export const WAKE_IN_TRANSACTION: Wake = { admit: (queues) => queues, stored: () => undefined };

/** Nobody is notified; workers find the jobs when they poll. */
export const WAKE_NOBODY: Wake = { admit: () => [], stored: () => undefined };
