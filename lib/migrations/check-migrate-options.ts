import {
  boolean,
  checkOptions,
  milliseconds,
  must,
  oneOf,
  refusal,
  type Check,
  type Checks,
} from '../errors/checks.js';
import { RiverMigrationError } from '../errors/setup-errors.js';
import { NEWEST_VERSION } from './main-line.js';
import type { BaselineOptions, MigrateOptions } from './migrate-options.js';

/** Makes the error for an option of migrations. */
export const refuseOption = refusal(RiverMigrationError, 'RIVER_INVALID_MIGRATION_OPTIONS');
const refuseVersion = refusal(RiverMigrationError, 'RIVER_INVALID_TARGET_VERSION');

/** As long as `lock_timeout` of Postgres can be; it takes 0 for no limit. */
export const lockTimeoutMs = milliseconds(1);

/** @param also a number that counts as a version, and what it stands for */
export function version(also?: readonly [number: number, meaning: string]): Check<number> {
  const orElse = also === undefined ? '' : `, or ${also[0]} ${also[1]}`;
  const check = must<number>(
    `must be a version of River's schema, 1 to ${NEWEST_VERSION}${orElse}`,
    (value) =>
      (also !== undefined && value === also[0]) ||
      (Number.isSafeInteger(value) &&
        (value as number) >= 1 &&
        (value as number) <= NEWEST_VERSION),
  );
  return (value, field) => check(value, field, refuseVersion);
}

const MIGRATE: Checks<MigrateOptions> = {
  direction: oneOf('up', 'down'),
  targetVersion: version([-1, 'down to take all away']),
  maxSteps: must(
    'must be an integer of at least 1; leave it out for no limit',
    (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  ),
  dryRun: boolean,
  lockTimeoutMs,
};

/**
 * Checks what does not need the database.
 *
 * @returns a copy, so that what is checked is what holds
 * @throws RiverMigrationError naming the option and its rule
 */
export function checkMigrateOptions(options: unknown): MigrateOptions {
  const checked = checkMigration(options, MIGRATE, 'direction');
  const { direction, targetVersion } = checked;
  if (direction === 'up' && targetVersion !== undefined) checkVersion(targetVersion);
  return checked;
}

/** As {@link checkMigrateOptions}. */
export function checkBaselineOptions(options: unknown): BaselineOptions {
  const checks = { version: version(), dryRun: boolean, lockTimeoutMs };
  return checkMigration<BaselineOptions>(options, checks, 'version');
}

/** @throws RiverMigrationError when there is no such version */
export function checkVersion(value: unknown, field = 'targetVersion'): void {
  version()(value, field, refuseOption);
}

/** Checks options of which some must be given. */
export function checkMigration<T extends object>(
  options: unknown,
  checks: Checks<T>,
  ...required: readonly (keyof T & string)[]
): T {
  const checked = checkOptions(options, checks, { refuse: refuseOption });
  for (const name of required) {
    if (checked[name] === undefined) checks[name](undefined, name, refuseOption);
  }
  return checked as T;
}
