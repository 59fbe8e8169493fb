import { makeInsertParams, type InsertContext } from '../../lib/insert/insert-params.js';
import type { UniqueKey } from '../../lib/insert/unique/unique-key.js';

/** The time that river-protocol's examples are told of. */
export const NOW = new Date('2026-11-21T10:07:33Z');

export const CONTEXT: InsertContext = {
  now: NOW,
  isClockGiven: true,
  moduleOpts: {},
  claimKind: () => undefined,
};

/** The unique key of a job on the index path. */
export function keyOf(args: object, opts: object, now = NOW): UniqueKey {
  const { unique } = makeInsertParams(args, opts, { ...CONTEXT, now });
  if (unique === undefined || !('stateBits' in unique))
    throw new Error('the job has no unique key');
  return unique;
}

/** What the key's text says of the args. */
export function argsText(args: object, byArgs: unknown = true): string {
  return keyOf(args, { uniqueOpts: { byArgs, excludeKind: true } }).text.replace('&args=', '');
}
