import { expect, test } from '@jest/globals';
import { resolveOptions } from '../../lib/client/options/resolved-options.js';

test('Options that are not given have their defaults', () => {
  expect(resolveOptions({})).toEqual({
    migrate: false,
    maxAttempts: 25,
    outsideTransaction: 'allow',
    notify: { mode: 'transaction', cooldownMs: 100 },
    coalesce: { maxStatements: 2, maxRows: 500 },
    maxPendingInserts: 10_000,
    joinRepositories: true,
    hookTimeoutMs: 10_000,
    secondConnectionTimeoutMs: 5_000,
    shutdownTimeoutMs: 10_000,
    waitFor: { maxPollMs: 250 },
  });
});

test('Each member of a nested option has its own default, and false turns the option off', () => {
  const { notify, coalesce, waitFor } = resolveOptions({
    notify: { cooldownMs: 0 },
    coalesce: false,
    waitFor: { maxPollMs: undefined },
  });
  expect(notify).toEqual({ mode: 'transaction', cooldownMs: 0 });
  expect(coalesce).toBe(false);
  expect(waitFor).toEqual({ maxPollMs: 250 });
});

test('Resolved options are frozen, and later changes of those given do not show', () => {
  const given = { maxAttempts: 3, notify: { cooldownMs: 5 } };
  const options = resolveOptions(given);
  given.maxAttempts = 4;
  given.notify.cooldownMs = 6;
  expect(options).toMatchObject({ maxAttempts: 3, notify: { cooldownMs: 5 } });
  for (const part of [options, options.notify, options.coalesce, options.waitFor]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('Resolved options are not resolved again', () => {
  const options = resolveOptions({ schema: 'app' });
  expect(resolveOptions(options)).toBe(options);
});
