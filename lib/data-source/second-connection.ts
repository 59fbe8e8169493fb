import { DEFAULT_OPTIONS } from '../default-options.js';
import type { DataSource } from 'typeorm';
import {
  SecondConnectionTimeoutError,
  TransactionAbortedError,
} from '../errors/transaction-errors.js';
import { holderOf, type Holder } from '../transaction/context/ambient-transaction.js';
import { defineOwn } from '../transaction/engine/define-own.js';
import { withDeadline } from '../abort-signal.js';

/** A client of the pool, and how it is given back. */
type Connected = readonly [client: unknown, release: () => void];

/** Every connection that TypeORM takes comes from one of these two. */
type Driver = Record<(typeof WAYS)[number], () => Promise<Connected>>;
const WAYS = ['obtainMasterConnection', 'obtainSlaveConnection'] as const;

interface Limited {
  readonly limitsMs: Set<{ readonly ms: number }>;
  readonly undo: () => void;
}

const limited = new WeakMap<DataSource, Limited>();

/**
 * Limits how long code that holds a connection in an open transaction waits for another one of the
 * same pool. When every connection is held by somebody who waits for a second, none comes back.
 *
 * @param limitMs with several modules on one data source the least counts; default 5 seconds
 * @returns undoes it
 */
export function limitSecondConnections(
  dataSource: DataSource,
  limitMs: number = DEFAULT_OPTIONS.secondConnectionTimeoutMs,
): () => void {
  let state = limited.get(dataSource);
  if (state === undefined) limited.set(dataSource, (state = install(dataSource)));
  const { limitsMs, undo } = state;
  const limit = { ms: limitMs };
  limitsMs.add(limit);
  return () => {
    if (!limitsMs.delete(limit) || limitsMs.size > 0) return;
    undo();
    limited.delete(dataSource);
  };
}

function install(dataSource: DataSource): Limited {
  const limitsMs: Limited['limitsMs'] = new Set();
  const driver = dataSource.driver as unknown as Driver;
  const undo = WAYS.map((way) => {
    const obtain = driver[way].bind(driver);
    const value = (): Promise<Connected> => {
      const holder = holderOf(dataSource);
      const connecting = obtain();
      if (holder === undefined) return connecting;
      return limit(connecting, holder, Math.min(...[...limitsMs].map(({ ms }) => ms)));
    };
    return defineOwn(driver, way, { value, writable: true });
  });
  return { limitsMs, undo: () => undo.forEach((back) => back()) };
}

/** A connection that arrives after the limit goes straight back to the pool. */
function limit(
  connecting: Promise<Connected>,
  { abort }: Holder,
  limitMs: number,
): Promise<Connected> {
  return withDeadline(connecting, {
    // What begins after the abort may be what the application does about it.
    signals: abort === undefined || abort.reason !== undefined ? [] : [abort.signal],
    aborted: ({ reason }) => whileWaiting(reason as TransactionAbortedError),
    limit: { ms: limitMs, timedOut: () => new SecondConnectionTimeoutError(limitMs) },
    onLate: ([, release]) => release(),
  });
}

function whileWaiting(reason: TransactionAbortedError): TransactionAbortedError {
  return new TransactionAbortedError(
    'it was aborted while it waited for a second connection',
    reason,
  );
}
