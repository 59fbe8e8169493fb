import {
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_OUTSIDE_TRANSACTION,
} from './insert/options/insert-limits.js';

/** The module's options where none are given: the one place of every default. */
export const DEFAULT_OPTIONS = Object.freeze({
  migrate: false,
  maxAttempts: DEFAULT_MAX_ATTEMPTS,
  outsideTransaction: DEFAULT_OUTSIDE_TRANSACTION,
  notify: Object.freeze({ mode: 'transaction', cooldownMs: 100 }),
  coalesce: Object.freeze({ maxStatements: 2, maxRows: 500 }),
  maxPendingInserts: 10_000,
  joinRepositories: true,
  hookTimeoutMs: 10_000,
  secondConnectionTimeoutMs: 5_000,
  shutdownTimeoutMs: 10_000,
  waitFor: Object.freeze({ maxPollMs: 250 }),
});
