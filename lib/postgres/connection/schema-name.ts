import type { Check } from '../../errors/checks.js';
import { describeValue } from '../../errors/describe-value.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';

// 63 bytes, the most a notification channel may have, less the longest of River's channel suffixes.
const MAX_LENGTH = 46;

/**
 * Where River's objects are, for SQL. The one place where a name is spliced into SQL text: checked
 * by River's own rule, so that quoting it needs no escapes.
 */
export class SchemaName {
  /** `"app".`, or '' when the session's search_path finds the tables. */
  readonly prefix: string;
  /** SQL for the channel of River's insert notifications. */
  readonly insertChannel: string;
  /** SQL for the channel on which River's workers are told to cancel, pause and resume. */
  readonly controlChannel: string;
  /** SQL for the channel on which leaders say that they resign. */
  readonly leadershipChannel: string;

  /** @throws RiverConfigurationError when River would not take the name */
  constructor(readonly name: string | undefined) {
    if (name !== undefined && !isSchemaName(name)) {
      throw new RiverConfigurationError(
        `schema: must be 1 to ${MAX_LENGTH} letters, digits and '_', not beginning with a digit; ` +
          `got ${describeValue(name)}.`,
        { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'schema' },
      );
    }
    this.prefix = name === undefined ? '' : `"${name}".`;
    const channel = (suffix: string): string =>
      name === undefined
        ? `pg_catalog.current_schema() OPERATOR(pg_catalog.||) '.${suffix}'`
        : `'${name}.${suffix}'`;
    this.insertChannel = channel('river_insert');
    this.controlChannel = channel('river_control');
    this.leadershipChannel = channel('river_leadership');
  }
}

function isSchemaName(name: unknown): boolean {
  return typeof name === 'string' && name.length <= MAX_LENGTH && /^[A-Za-z_]\w*$/.test(name);
}

/** Checks the option `schema`. */
export const schemaName: Check<string> = (value) => {
  void new SchemaName(value as string);
  return value as string;
};
