import { RiverMigrationError } from '../errors/setup-errors.js';
import { MAIN_LINE, NEWEST_VERSION } from './main-line.js';
import type { Migration, MigrationDirection } from './migration.js';

/** How far to go. */
export interface MigrationTarget {
  readonly direction: MigrationDirection;
  /** `undefined`: up all, down one step. -1: down all. */
  readonly targetVersion?: number | undefined;
  readonly maxSteps?: number | undefined;
}

/**
 * The versions to put on, ascending, or to take off, descending, by the rules of River's `Migrate`.
 *
 * @param recorded the versions that the database has
 * @throws RiverMigrationError when the target is not on the way, or the database is newer than we know
 */
export function planMigrations(
  recorded: readonly number[],
  { direction, targetVersion, maxSteps }: MigrationTarget,
): readonly Migration[] {
  const newer = newerVersions(recorded);
  if (newer.length > 0) throw schemaNewer(newer);
  const has = ({ version }: Migration): boolean => recorded.includes(version);

  if (direction === 'up') {
    // What is there already needs nothing more, even where versions below it are missing.
    if (targetVersion !== undefined && recorded.includes(targetVersion)) return [];
    const target = targetVersion ?? NEWEST_VERSION;
    const missing = MAIN_LINE.filter((each) => !has(each) && each.version <= target);
    return missing.slice(0, maxSteps);
  }
  if (targetVersion !== undefined && targetVersion > 0 && !recorded.includes(targetVersion)) {
    throw notApplied(targetVersion, recorded);
  }
  const floor = targetVersion ?? -1;
  const applied = MAIN_LINE.filter((each) => has(each) && each.version > floor).reverse();
  return applied.slice(0, maxSteps ?? (targetVersion === undefined ? 1 : undefined));
}

/** Those of the recorded versions that this package does not know. */
export function newerVersions(recorded: readonly number[]): readonly number[] {
  return recorded.filter((version) => version > NEWEST_VERSION);
}

export function schemaNewer(versions: readonly number[]): RiverMigrationError {
  return new RiverMigrationError(
    `River's tables are newer than this package knows: version ${versions.join(', ')} is recorded, the ` +
      `newest known is ${NEWEST_VERSION}. Nothing was changed. Update nestjs-river, or migrate with the ` +
      'migrator that put the version on.',
    { code: 'RIVER_SCHEMA_NEWER' },
  );
}

function notApplied(target: number, recorded: readonly number[]): RiverMigrationError {
  const there =
    recorded.length === 0 ? 'no version is applied' : `applied are ${recorded.join(', ')}`;
  return new RiverMigrationError(
    `targetVersion: the way down cannot end at version ${target}, which is not applied; ${there}. ` +
      'Nothing was changed.',
    { code: 'RIVER_INVALID_TARGET_VERSION', field: 'targetVersion' },
  );
}
