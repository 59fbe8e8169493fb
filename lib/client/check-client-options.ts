import { RiverConfigurationError } from '../errors/configuration-error.js';
import { describeValue } from '../errors/describe-value.js';
import { nameText } from '../errors/name-text.js';
import { reading } from '../errors/reading.js';
import { RiverError } from '../errors/river-error.js';
import { checkMaxAttempts, checkOutsideTransaction } from '../insert/check-insert-opts.js';
import { SchemaName } from '../postgres/connection/schema-name.js';
import { MAX_ROWS } from '../postgres/insert/job-batches.js';
import type { RiverModuleOptions } from './client-options.js';

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isUint32 = (value: unknown): boolean => typeof value === 'number' && value >>> 0 === value;
const isTimerMs = (value: unknown): boolean => isUint32(value) && (value as number) < 2 ** 31;
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

const CHECKS: Record<keyof RiverModuleOptions, (value: unknown, field: string) => unknown> = {
  schema: (value) => new SchemaName(value as string),
  migrate: must(isBoolean, 'must be true or false'),
  maxAttempts: checkMaxAttempts,
  outsideTransaction: checkOutsideTransaction,
  preparedStatements: must(isBoolean, 'must be true or false'),
  notify: checkNotify,
  coalesce: checkCoalesce,
  maxPendingInserts: must(
    (value) => isUint32(value) && value !== 0,
    'must be an integer from 1 to 4294967295',
  ),
  advisoryLockPrefix: must(isUint32, 'must be an integer from 0 to 4294967295'),
  requestQueryRunner: must(isFunction, 'must be a function of the ExecutionContext'),
  joinRepositories: must(isBoolean, 'must be true or false'),
  transactionSource: must(isFunction, 'must be a function of the data source'),
  onHookError: must(isFunction, 'must be a function of the error'),
  hookTimeoutMs: must(isTimerMs, 'must be whole milliseconds, 0 to 2147483647'),
  secondConnectionTimeoutMs: must(isTimerMs, 'must be whole milliseconds, 0 to 2147483647'),
  shutdownTimeoutMs: must(isTimerMs, 'must be whole milliseconds, 0 to 2147483647'),
  clock: must(isFunction, 'must be a function that returns a Date'),
  waitFor: checkWaitFor,
};

const BESIDE_FACTORY = ['name', 'isGlobal', 'dataSource'];
const GIVE_BESIDE = 'give it beside the factory of forRootAsync, not in what the factory returns';
const NO_SUCH_OPTION = `there is no such option. The options are ${[...BESIDE_FACTORY, ...Object.keys(CHECKS)].join(', ')}`;

/**
 * Checks the module's options when the module is built.
 *
 * @throws RiverConfigurationError naming the option and its rule
 */
export function checkClientOptions(options: unknown): RiverModuleOptions {
  if (typeof options !== 'object' || options === null) {
    throw refused('options', `must be an object; got ${describeValue(options)}`);
  }
  const copy = reading(refused.bind(undefined, 'options'), () => ({ ...options }));
  for (const [name, value] of Object.entries(copy)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw refused(nameText(name), BESIDE_FACTORY.includes(name) ? GIVE_BESIDE : NO_SUCH_OPTION);
    }
    if (value === undefined) continue;
    try {
      const check = CHECKS[name as keyof RiverModuleOptions];
      reading(refused.bind(undefined, name), () => check(value, name));
    } catch (cause) {
      if (!(cause instanceof RiverError) || cause instanceof RiverConfigurationError) throw cause;
      throw new RiverConfigurationError(cause.message, {
        code: 'RIVER_INVALID_MODULE_OPTIONS',
        field: name,
      });
    }
  }
  return copy;
}

function checkNotify(value: unknown, field: string): void {
  if (value === false) return;
  if (typeof value !== 'object' || value === null) {
    throw refused(field, `must be an object or false; got ${describeValue(value)}`);
  }
  const { mode, cooldownMs, ...others } = value as Record<string, unknown>;
  refuseOthers(others, field, 'mode, cooldownMs');
  if (mode !== undefined && mode !== 'transaction' && mode !== 'afterCommit') {
    throw refused(
      `${field}.mode`,
      `must be 'transaction' or 'afterCommit'; got ${describeValue(mode)}`,
    );
  }
  if (
    cooldownMs !== undefined &&
    !(typeof cooldownMs === 'number' && cooldownMs >= 0 && cooldownMs <= 60_000)
  ) {
    throw refused(
      `${field}.cooldownMs`,
      `must be milliseconds from 0 to 60000; got ${describeValue(cooldownMs)}`,
    );
  }
}

function checkCoalesce(value: unknown, field: string): void {
  if (value === false) return;
  if (typeof value !== 'object' || value === null) {
    throw refused(field, `must be an object or false; got ${describeValue(value)}`);
  }
  const { maxStatements, maxRows, ...others } = value as Record<string, unknown>;
  refuseOthers(others, field, 'maxStatements, maxRows');
  const ranges = { maxStatements: [maxStatements, 100], maxRows: [maxRows, MAX_ROWS] } as const;
  for (const [name, [given, most]] of Object.entries(ranges)) {
    const isCount = (count: unknown): boolean =>
      isUint32(count) && count !== 0 && (count as number) <= most;
    if (given !== undefined)
      must(isCount, `must be an integer from 1 to ${most}`)(given, `${field}.${name}`);
  }
}

function checkWaitFor(value: unknown, field: string): void {
  if (typeof value !== 'object' || value === null) {
    throw refused(field, `must be an object; got ${describeValue(value)}`);
  }
  const { maxPollMs, ...others } = value as Record<string, unknown>;
  refuseOthers(others, field, 'maxPollMs');
  if (
    maxPollMs !== undefined &&
    !(typeof maxPollMs === 'number' && maxPollMs >= 10 && maxPollMs <= 60_000)
  ) {
    throw refused(
      `${field}.maxPollMs`,
      `must be milliseconds from 10 to 60000; got ${describeValue(maxPollMs)}`,
    );
  }
}

function refuseOthers(others: object, field: string, options: string): void {
  const [unknown] = Object.keys(others);
  if (unknown === undefined) return;
  throw refused(
    `${field}.${nameText(unknown)}`,
    `there is no such option. The options are ${options}`,
  );
}

function must(holds: (value: unknown) => boolean, rule: string) {
  return (value: unknown, field: string): void => {
    if (!holds(value)) throw refused(field, `${rule}; got ${describeValue(value)}`);
  };
}

function refused(field: string, rule: string, cause?: unknown): RiverConfigurationError {
  return new RiverConfigurationError(`RiverModule: ${field}: ${rule}.`, {
    code: 'RIVER_INVALID_MODULE_OPTIONS',
    field,
    cause,
  });
}
