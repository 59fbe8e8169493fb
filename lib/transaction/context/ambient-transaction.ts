import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { Connection, ConnectionSettings } from '../../postgres/connection/connection.js';
import type { Abort } from './abort.js';
import type { TransactionHooks } from './transaction-hooks.js';
import type { RiverTransactionOptions } from './transaction-options.js';

/** A transaction that an insert can join, whoever opened it. */
export interface JoinableTransaction {
  /** Runs statements of ours in it. */
  connection(settings: ConnectionSettings): Connection;
  /** Keeps the transaction from ending before `begin`'s answer, as far as it is ours to do so. */
  follow<T>(what: string, begin: () => Promise<T>): Promise<T>;
  /** Calls `hook` once it is committed. Absent where somebody else commits and we are not told. */
  afterCommit?(hook: () => void): void;
}

/** How a transaction of ours was opened. */
export interface OpenedSession {
  readonly client: object;
  readonly options: RiverTransactionOptions;
  readonly unawaitedLimitMs: number;
}

/** A transaction that calls without a `tx` join. */
export interface AmbientTransaction extends JoinableTransaction {
  readonly queryRunner: QueryRunner;
  /** Whether statements can be sent in it. */
  readonly isOpen: boolean;
  /** What all scopes of one transaction of ours share. Absent where somebody else opened it. */
  readonly session?: OpenedSession;
  /** What runs after its end. Absent where somebody else ends it. */
  readonly hooks?: TransactionHooks;
  /** Runs a call of the helper in it. */
  join<T>(begin: () => Promise<T>): Promise<T>;
  /** Runs `work` in a savepoint of it. */
  nest<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
  /** Lets it fail for this reason, even if nobody passes it on, as far as that is ours to decide. */
  abandon(reason: unknown): void;
  /** True once it has ended and what outlives it is to run outside of it. */
  readonly isDetached?: boolean;
}

/**
 * A way to tell which transaction the running code is in, for transactions that somebody else opens:
 * another package, or the application itself. Give it to `RiverModule.forRoot({ transactionSource })`.
 * It is asked at each insert that names no `tx` and at each `run`, after our own transactions.
 *
 * @returns the query runner (or the manager with one) of the open transaction on this data source;
 *   undefined when there is none
 */
export type TransactionSource = (dataSource: DataSource) => QueryRunner | EntityManager | undefined;

/** Something that holds a connection of the pool as long as work in its level is under way. */
export interface Holder {
  readonly isHeld: boolean;
  /** Aborts the transaction on that connection. */
  readonly abort?: Abort;
}

/** One level of the asynchronous context. */
interface Frame {
  readonly dataSource: DataSource;
  /** Name of the client whose helper opened the level. */
  readonly name: string;
  /**
   * Answers undefined: at this level there is no transaction, whatever lies outside. With `lenient`
   * it answers so too where an insert would be refused. Absent: the level only tells which data
   * source a name means in this application.
   */
  readonly current?:
    ((asked: { readonly lenient: boolean }) => AmbientTransaction | undefined) | undefined;
  /** What TypeORM and its subscribers do in it ends this transaction. */
  readonly ending?: object | undefined;
  /** Who else waits for a connection in it waits for a second one. */
  readonly holder?: Holder | undefined;
  readonly outer: Frame | undefined;
}

/**
 * One for the process, but levels are found by their data source, so that several applications, and
 * several data sources of one, never see each other's transactions.
 */
const frames = new AsyncLocalStorage<Frame>();

/** Runs `work` with `level` as the innermost level of its data source. */
export function runInLevel<T>(level: Omit<Frame, 'outer'>, work: () => T): T {
  const { dataSource, name, current, ending, holder } = level;
  return frames.run({ dataSource, name, current, ending, holder, outer: frames.getStore() }, work);
}

/** Where an insert would be rejected, asking throws instead of finding none. */
export const STRICT = { lenient: false };

/** The transaction of this data source that the running code is in. */
export function ambientTransactionOf(
  dataSource: DataSource,
  asked = STRICT,
): AmbientTransaction | undefined {
  return alive(levelOf(dataSource)?.current?.(asked));
}

/** The same, of the data source that a client's name means in the application of the running code. */
export function ambientTransactionNamed(name: string): AmbientTransaction | undefined {
  const named = nearest((frame) => frame.name === name);
  return named && ambientTransactionOf(named.dataSource);
}

/** Whether the running code was put outside of transactions on purpose. */
export function isOutside(dataSource: DataSource): boolean {
  const level = levelOf(dataSource);
  return level !== undefined && level.current?.({ lenient: true }) === undefined;
}

/**
 * The innermost transaction around the running code for which `matches` holds, also where a level in
 * between puts the code outside transactions.
 */
export function enclosingTransaction(
  dataSource: DataSource,
  matches: (transaction: AmbientTransaction) => boolean,
): AmbientTransaction | undefined {
  for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
    if (frame.dataSource !== dataSource) continue;
    const transaction = frame.current?.({ lenient: true });
    if (transaction !== undefined && matches(transaction)) return transaction;
  }
  return undefined;
}

/** Whether the running code is what ends this transaction; see {@link Frame.ending}. */
export function isEnding(transaction: object): boolean {
  return nearest((frame) => frame.ending !== undefined)?.ending === transaction;
}

/** What holds a connection of this data source while the running code asks for another. */
export function holderOf(dataSource: DataSource): Holder | undefined {
  return nearest((frame) => frame.dataSource === dataSource && frame.holder?.isHeld === true)
    ?.holder;
}

function alive(transaction: AmbientTransaction | undefined): AmbientTransaction | undefined {
  return transaction?.isDetached === true ? undefined : transaction;
}

/** Each statement in a transaction asks several times, so this is {@link nearest} written out. */
function levelOf(dataSource: DataSource): Frame | undefined {
  let frame = frames.getStore();
  while (frame !== undefined && (frame.dataSource !== dataSource || frame.current === undefined))
    frame = frame.outer;
  return frame;
}

function nearest(matches: (frame: Frame) => boolean): Frame | undefined {
  let frame = frames.getStore();
  while (frame !== undefined && !matches(frame)) frame = frame.outer;
  return frame;
}
