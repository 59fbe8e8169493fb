import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Connection, ConnectionSettings } from '../postgres/connection.js';

/** A transaction that calls without a `tx` join. */
export interface AmbientTransaction {
  readonly queryRunner: QueryRunner;
  /** Runs statements of ours in it. */
  connection(settings: ConnectionSettings): Connection;
  /** Calls `hook` once it is committed. Absent where somebody else commits and we are not told. */
  afterCommit?(hook: () => void): void;
}

/** One level of the asynchronous context. */
interface Frame {
  readonly dataSource: DataSource;
  /** Name of the client whose helper opened the level. */
  readonly name: string;
  /** undefined: at this level there is no transaction, whatever lies outside of it. */
  readonly current: () => AmbientTransaction | undefined;
  readonly outer: Frame | undefined;
}

/**
 * One for the process, but levels are found by their data source, so that several applications, and
 * several data sources of one, never see each other's transactions.
 */
const frames = new AsyncLocalStorage<Frame>();

/** Runs `work` with `level` as the innermost level of its data source. */
export function runInLevel<T>(level: Omit<Frame, 'outer'>, work: () => T): T {
  return frames.run({ ...level, outer: frames.getStore() }, work);
}

/** The transaction of this data source that the running code is in. */
export function ambientTransactionOf(dataSource: DataSource): AmbientTransaction | undefined {
  return nearest((frame) => frame.dataSource === dataSource)?.current();
}

/** The transaction that the helper of the client of this name opened around the running code. */
export function ambientTransactionNamed(name: string): AmbientTransaction | undefined {
  return nearest((frame) => frame.name === name)?.current();
}

function nearest(matches: (frame: Frame) => boolean): Frame | undefined {
  let frame = frames.getStore();
  while (frame !== undefined && !matches(frame)) frame = frame.outer;
  return frame;
}
