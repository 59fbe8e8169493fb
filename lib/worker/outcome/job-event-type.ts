/** What an event of a job is called. `stuck`: an attempt ignores its aborted signal. */
export type JobEventType =
  'completed' | 'cancelled' | 'discarded' | 'failed' | 'snoozed' | 'interrupted' | 'stuck';
