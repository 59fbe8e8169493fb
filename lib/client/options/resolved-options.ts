import {
  boolean,
  callable,
  checkOptions,
  integer,
  milliseconds,
  number,
  object,
  oneOf,
  or,
  type Checks,
  type Refuse,
} from '../../errors/checks.js';
import { DEFAULT_OPTIONS } from '../../default-options.js';
import { invalidModuleOption } from '../../errors/setup-errors.js';
import { maxAttempts, outsideTransaction } from '../../insert/options/check-insert-opts.js';
import { SchemaName } from '../../postgres/connection/schema-name.js';
import { MAX_ROWS } from '../../postgres/insert/job-batches.js';
import type { RiverModuleOptions } from './client-options.js';

const uint32 = (min: number) => integer(min, 4_294_967_295);

const CHECKS: Checks<RiverModuleOptions> = {
  schema: (value) => new SchemaName(value as string).name,
  migrate: boolean,
  maxAttempts,
  outsideTransaction,
  preparedStatements: boolean,
  notify: or(
    false,
    object({
      mode: oneOf('transaction', 'afterCommit'),
      cooldownMs: number(0, 60_000, 'milliseconds'),
    }),
  ),
  coalesce: or(false, object({ maxStatements: integer(1, 100), maxRows: integer(1, MAX_ROWS) })),
  maxPendingInserts: uint32(1),
  advisoryLockPrefix: uint32(0),
  requestQueryRunner: callable('a function of the ExecutionContext'),
  joinRepositories: boolean,
  transactionSource: callable('a function of the data source'),
  onHookError: callable('a function of the error'),
  hookTimeoutMs: milliseconds(),
  secondConnectionTimeoutMs: milliseconds(),
  shutdownTimeoutMs: milliseconds(),
  clock: callable('a function that returns a Date'),
  waitFor: object({ maxPollMs: number(10, 60_000, 'milliseconds') }),
};

/** These make the injection tokens, so they must be known before a factory runs. */
const BESIDE_FACTORY = ['name', 'isGlobal', 'dataSource'] as const;
const besideFactory = (_value: unknown, field: string, refuse: Refuse): never => {
  throw refuse(
    field,
    'give it beside the factory of forRootAsync, not in what the factory returns',
  );
};

type Defaults = typeof DEFAULT_OPTIONS;
type Full<T> = T extends object ? { readonly [Name in keyof T]-?: Exclude<T[Name], undefined> } : T;

/** The module's options with every default. What is undefined has none. */
export type ResolvedOptions = Omit<RiverModuleOptions, keyof Defaults> & {
  readonly [Name in keyof Defaults]: Full<Exclude<RiverModuleOptions[Name], undefined>>;
};

const resolved = new WeakSet();

/**
 * Checks the module's options, and fills in the defaults. What is resolved already is returned as it is.
 *
 * @throws RiverConfigurationError naming the option and its rule
 */
export function resolveOptions(options: unknown): ResolvedOptions {
  if (isResolved(options)) return options;
  const beside = Object.fromEntries(BESIDE_FACTORY.map((name) => [name, besideFactory]));
  const checks: Checks<RiverModuleOptions> = { ...beside, ...CHECKS };
  const given = checkOptions(options, checks, { refuse: invalidModuleOption });
  const { notify, coalesce, waitFor } = DEFAULT_OPTIONS;
  const all = Object.freeze({
    ...DEFAULT_OPTIONS,
    ...given,
    notify: given.notify !== false && Object.freeze({ ...notify, ...given.notify }),
    coalesce: given.coalesce !== false && Object.freeze({ ...coalesce, ...given.coalesce }),
    waitFor: Object.freeze({ ...waitFor, ...given.waitFor }),
  }) as ResolvedOptions;
  resolved.add(all);
  return all;
}

function isResolved(options: unknown): options is ResolvedOptions {
  return typeof options === 'object' && options !== null && resolved.has(options);
}
