import { parseArgs } from 'node:util';
import { RiverError } from '../errors/river-error.js';
import { SchemaName } from '../postgres/connection/schema-name.js';
import { UsageError } from './terminal.js';

/** All flags there are, named as River's own command line names them. */
export const FLAGS = {
  'database-url': {
    type: 'string',
    value: 'URL',
    help: 'the database; else DATABASE_URL, else PGHOST, PGDATABASE, ...',
  },
  schema: {
    type: 'string',
    value: 'NAME',
    help: "the schema of River's tables; else the first of the search_path",
  },
  line: { type: 'string', value: 'NAME', help: 'the migration line; main is the only one' },
  'max-steps': { type: 'string', value: 'N', help: 'the most versions to put on or take off' },
  'target-version': {
    type: 'string',
    value: 'N',
    help: 'the version to arrive at; down, 0 takes all away',
  },
  'lock-timeout': {
    type: 'string',
    value: 'MS',
    help: 'the milliseconds that a statement waits for a lock; else no limit',
  },
  'dry-run': { type: 'boolean', help: 'tell what would be done, and do nothing' },
  'show-sql': { type: 'boolean', help: 'print the SQL of each version' },
  version: { type: 'string', multiple: true, value: 'N[,N]', help: 'the versions to print' },
  all: { type: 'boolean', help: 'print all versions' },
  'exclude-version': {
    type: 'string',
    multiple: true,
    value: 'N[,N]',
    help: "leave versions out: 1, where River's record is not wanted",
  },
  up: { type: 'boolean', help: 'print the way up' },
  down: { type: 'boolean', help: 'print the way down' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const;

export type Flag = keyof typeof FLAGS;

/** What the flags of a command line say. */
export interface FlagValues {
  readonly 'database-url'?: string;
  readonly schema?: string;
  readonly line?: string;
  readonly 'max-steps'?: string;
  readonly 'target-version'?: string;
  readonly 'lock-timeout'?: string;
  readonly 'dry-run'?: boolean;
  readonly 'show-sql'?: boolean;
  readonly version?: readonly string[];
  readonly all?: boolean;
  readonly 'exclude-version'?: readonly string[];
  readonly up?: boolean;
  readonly down?: boolean;
  readonly help?: boolean;
}

/** @throws UsageError for a flag that is not among `flags`, or one without its value */
export function parseFlags(args: readonly string[], flags: readonly Flag[]): FlagValues {
  const options = Object.fromEntries(flags.map((flag) => [flag, FLAGS[flag]]));
  try {
    return parseArgs({ args: joinNegatives(args), options, strict: true }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `--target-version -1`, which `parseArgs` would take for two flags. */
function joinNegatives(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (/^-\d+$/.test(arg) && before?.startsWith('--')) joined.splice(-1, 1, `${before}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** @throws UsageError when it is no integer */
export function integerFlag(flag: Flag, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d{1,10}$/.test(text)) throw new UsageError(`--${flag}: must be an integer`);
  return Number(text);
}

/** Integers of a flag that may be repeated, and take several at once: `--version 1,2`. */
export function integerFlags(flag: Flag, texts: readonly string[] = []): readonly number[] {
  return texts.flatMap((text) => text.split(',')).map((text) => Number(integerFlag(flag, text)));
}

/** @throws UsageError when River would not take the name, or there is no such line */
export function schemaOf({ schema, line = 'main' }: FlagValues): SchemaName {
  if (line !== 'main') throw new UsageError('--line: main is the only migration line there is');
  return asUsage(() => new SchemaName(schema));
}

/** Runs a check of the library's; what it refuses was wrong on the command line. */
export function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof RiverError ? new UsageError(error.message) : error;
  }
}
