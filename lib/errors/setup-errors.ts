import { refusal } from './checks.js';
import type { RiverErrorCode } from './error-code.js';
import { RiverError, type RiverErrorOutcome } from './river-error.js';

/** What a {@link RiverMigrationError} carries beside its message. */
export interface RiverMigrationErrorOptions {
  readonly code: RiverErrorCode;
  readonly field?: string | undefined;
  readonly version?: number | undefined;
  readonly applied?: readonly number[] | undefined;
  readonly outcome?: RiverErrorOutcome | undefined;
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * River's tables could not be brought to the version asked for, or a migrator was asked for what
 * does not exist. The driver's error, where there is one, is at the end of the chain of `cause`.
 */
export class RiverMigrationError extends RiverError {
  override readonly retryable: boolean;
  /** The version that failed. Nothing of it is kept, unless {@link outcome} is `unknown`. */
  readonly version: number | undefined;
  /**
   * The versions that the same call had put on or taken off before, in this order. Each was committed
   * by itself, unless the migrator was given a connection that was in a transaction.
   */
  readonly applied: readonly number[];

  constructor(message: string, options: RiverMigrationErrorOptions) {
    super(message, options);
    this.version = options.version;
    this.applied = options.applied ?? [];
    this.retryable = options.retryable ?? false;
  }
}

/** The module cannot start as it is configured. Thrown while the application starts. */
export class RiverConfigurationError extends RiverError {}

export const invalidModuleOption = refusal(
  RiverConfigurationError,
  'RIVER_INVALID_MODULE_OPTIONS',
  'RiverModule: ',
);

/** A write was asked of an entity of River's tables. Nothing was sent. */
export class ReadOnlyEntityError extends RiverError {
  constructor(entity: string, operation: string) {
    super(
      `${entity} is read-only, so ${operation} is refused: River's rows follow rules that TypeORM does ` +
        'not know. Use the methods of RiverClient, such as insert, jobUpdate, jobCancel and jobDelete.',
      { code: 'RIVER_READ_ONLY_ENTITY', field: entity },
    );
  }
}
