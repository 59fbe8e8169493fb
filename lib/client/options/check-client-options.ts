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

/**
 * Checks the module's options when the module is built.
 *
 * @throws RiverConfigurationError naming the option and its rule
 */
export function checkClientOptions(options: unknown): RiverModuleOptions {
  const beside = Object.fromEntries(BESIDE_FACTORY.map((name) => [name, besideFactory]));
  return checkOptions<RiverModuleOptions>(
    options,
    { ...beside, ...CHECKS },
    { refuse: invalidModuleOption },
  );
}
