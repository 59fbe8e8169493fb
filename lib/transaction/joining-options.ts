import type { QueryRunner } from 'typeorm';
import type { OpenedSession } from './context/ambient-transaction.js';
import { RiverTransactionError } from '../errors/transaction-errors.js';
import {
  isGiven,
  OF_THE_OPENER,
  type RiverTransactionOptions,
} from './context/transaction-options.js';

/** A transaction that a call with options joins; `session` is there when we opened it. */
export interface JoinedTransaction {
  readonly queryRunner: QueryRunner;
  readonly session?: Pick<OpenedSession, 'options' | 'unawaitedLimitMs'>;
}

/** The options that have a value on the server also when nobody chose one. */
const SETTINGS = {
  isolation: 'transaction_isolation',
  readOnly: 'transaction_read_only',
  statementTimeoutMs: 'statement_timeout',
  lockTimeoutMs: 'lock_timeout',
} as const;

type ServerOption = keyof typeof SETTINGS;

/** The levels that the server was asked for: after its first statement a transaction keeps its level. */
const levels = new WeakMap<object, unknown>();

/**
 * `work`, as a call with these options that joins `transaction` or nests in it. It is rejected with a
 * RiverTransactionError, and `work` does not run, when an option differs from what the transaction has.
 * What its opener chose is compared at once. For what was left to a default, which the server, the
 * database, the role or the data source may set, the server is asked first.
 */
export function joining<Args extends unknown[], T>(
  options: RiverTransactionOptions,
  transaction: JoinedTransaction,
  work: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  const { session } = transaction;
  let asked: ServerOption[] | undefined;
  for (const name of OF_THE_OPENER) {
    if (!isGiven(options[name])) continue;
    const chosen = name === 'unawaitedLimitMs' ? session?.[name] : session?.options[name];
    if (comparable(chosen) === comparable(options[name])) continue;
    if (isGiven(chosen) || !isServerOption(name)) return () => Promise.reject(tooLate(name));
    (asked ??= []).push(name);
  }
  if (asked === undefined) return work;
  const unknown = asked;
  return async (...args) => {
    const settings = await settingsOf(transaction, unknown);
    const late = unknown.find((name) => settings[name] !== comparable(options[name]));
    if (late !== undefined) throw tooLate(late);
    return await work(...args);
  };
}

async function settingsOf(
  { queryRunner, session }: JoinedTransaction,
  options: ServerOption[],
): Promise<{ readonly [Name in ServerOption]?: unknown }> {
  const level = session && levels.get(session);
  if (level !== undefined && options.join() === 'isolation') return { isolation: level };
  const rows = (await queryRunner.query(
    'SELECT name, setting FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) ANY ($1)',
    [options.map((name) => SETTINGS[name])],
  )) as { readonly name: string; readonly setting: string }[];
  const settings = Object.fromEntries(
    options.map((option) => {
      const setting = rows.find(({ name }) => name === SETTINGS[option])?.setting;
      return [option, READERS[option](setting ?? '')];
    }),
  );
  if (session && settings['isolation'] !== undefined) levels.set(session, settings['isolation']);
  return settings;
}

/** How `pg_settings` writes them; limits of time are in milliseconds there. */
const READERS: Record<ServerOption, (setting: string) => unknown> = {
  isolation: (setting) => comparable(setting.toUpperCase()),
  readOnly: (setting) => setting === 'on',
  statementTimeoutMs: Number,
  lockTimeoutMs: Number,
};

/** Postgres runs READ UNCOMMITTED as READ COMMITTED. */
function comparable(value: unknown): unknown {
  return value === 'READ UNCOMMITTED' ? 'READ COMMITTED' : value;
}

function isServerOption(name: string): name is ServerOption {
  return Object.hasOwn(SETTINGS, name);
}

function tooLate(field: string): RiverTransactionError {
  return new RiverTransactionError(
    `${field}: differs from that of the transaction that is joined, which has already begun. Give it ` +
      "to the outermost run(...) or @RiverTransactional(...), or use propagation 'REQUIRES_NEW'.",
    { code: 'RIVER_INVALID_TRANSACTION', field },
  );
}
