import type { RiverErrorCode } from '../errors/error-code.js';
import { describeValue } from '../errors/describe-value.js';
import { RiverMigrationError } from '../errors/setup-errors.js';
import { nameText } from '../errors/name-text.js';
import { reading } from '../errors/reading.js';
import { NEWEST_VERSION } from './main-line.js';
import type { BaselineOptions, MigrateOptions } from './migrate-options.js';

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

const CHECKS: Record<keyof MigrateOptions, (value: unknown, options: MigrateOptions) => void> = {
  direction: (value) => {
    if (value !== 'up' && value !== 'down')
      throw refused('direction', `must be 'up' or 'down'`, value);
  },
  targetVersion: (value, { direction }) => {
    if (direction === 'down' && value === -1) return;
    checkVersion(value, direction === 'down' ? ', or -1 to take all away' : '');
  },
  maxSteps: (value) => {
    if (!isPositiveInteger(value)) {
      throw refused(
        'maxSteps',
        'must be an integer of at least 1; leave it out for no limit',
        value,
      );
    }
  },
  dryRun: (value) => {
    if (!isBoolean(value)) throw refused('dryRun', 'must be true or false', value);
  },
  lockTimeoutMs: (value) => checkLockTimeout(value),
};

/** The largest `lock_timeout` of Postgres. */
const MAX_LOCK_TIMEOUT_MS = 2_147_483_647;

/** @throws RiverMigrationError when Postgres would not take it, or take it for no limit */
export function checkLockTimeout(value: unknown): void {
  if (isPositiveInteger(value) && value <= MAX_LOCK_TIMEOUT_MS) return;
  throw refused(
    'lockTimeoutMs',
    `must be an integer from 1 to ${MAX_LOCK_TIMEOUT_MS}, in milliseconds; leave it out for no limit`,
    value,
  );
}

/**
 * Checks what does not need the database.
 *
 * @throws RiverMigrationError naming the option and its rule
 */
export function checkMigrateOptions(options: unknown): MigrateOptions {
  const given = checkNames(options as MigrateOptions, CHECKS, 'migrate');
  for (const name of Object.keys(CHECKS) as (keyof MigrateOptions)[]) {
    if (given[name] !== undefined || name === 'direction') CHECKS[name](given[name], given);
  }
  return given;
}

/** @throws RiverMigrationError naming the option and its rule */
export function checkBaselineOptions(options: BaselineOptions): BaselineOptions {
  const given = checkNames(options, { version: 0, dryRun: 0, lockTimeoutMs: 0 }, 'baseline');
  checkVersion(given.version, '', 'version');
  if (given.dryRun !== undefined) CHECKS.dryRun(given.dryRun, { direction: 'up' });
  if (given.lockTimeoutMs !== undefined) checkLockTimeout(given.lockTimeoutMs);
  return given;
}

/**
 * @returns a copy, so that what is checked is what holds
 * @throws RiverMigrationError when the options are not an object, or one of them does not exist
 */
export function checkNames<Options extends object>(
  options: Options,
  known: object,
  what: string,
): Options {
  const names = Object.keys(known);
  if (typeof options !== 'object' || options === null) {
    throw refused('options', `${what} must be given an object of ${names.join(', ')}`, options);
  }
  const unreadable = (rule: string, cause: unknown): RiverMigrationError =>
    new RiverMigrationError(`options of ${what}: ${rule}.`, {
      code: 'RIVER_INVALID_MIGRATION_OPTIONS',
      field: 'options',
      cause,
    });
  const given = reading(unreadable, () => ({ ...options }));
  const stray = Object.keys(given).find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw refused(
      nameText(stray),
      `there is no such option of ${what}. The options are ${names.join(', ')}`,
    );
  }
  return given;
}

/** @throws RiverMigrationError when there is no such version */
export function checkVersion(value: unknown, orElse = '', field = 'targetVersion'): void {
  if (isPositiveInteger(value) && value <= NEWEST_VERSION) return;
  throw refused(
    field,
    `must be a version of River's schema, 1 to ${NEWEST_VERSION}${orElse}`,
    value,
    'RIVER_INVALID_TARGET_VERSION',
  );
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

export function refused(
  field: string,
  rule: string,
  given?: unknown,
  code: RiverErrorCode = 'RIVER_INVALID_MIGRATION_OPTIONS',
): RiverMigrationError {
  const got = given === undefined ? '' : `; got ${describeValue(given)}`;
  return new RiverMigrationError(`${field}: ${rule}${got}.`, { code, field });
}
