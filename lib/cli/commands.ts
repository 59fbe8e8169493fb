import {
  checkBaselineOptions,
  checkMigrateOptions,
  checkVersion,
} from '../migrations/check-migrate-options.js';
import { MAIN_LINE } from '../migrations/main-line.js';
import type { MigratedVersion, MigrateResult } from '../migrations/migrate-result.js';
import type { Migration, MigrationDirection } from '../migrations/migration.js';
import {
  asUsage,
  integerFlag,
  integerFlags,
  schemaOf,
  type Flag,
  type FlagValues,
} from './flags.js';
import { type Terminal, UsageError } from './terminal.js';
import { withMigrator } from './with-migrator.js';

/** What can be asked for. */
export interface Command {
  readonly help: string;
  readonly flags: readonly Flag[];
  /** @returns the exit code */
  readonly run: (flags: FlagValues, terminal: Terminal) => Promise<number>;
}

const DATABASE = ['database-url', 'schema', 'line'] as const;
const MIGRATE = [
  ...DATABASE,
  'max-steps',
  'target-version',
  'lock-timeout',
  'dry-run',
  'show-sql',
] as const;

export const COMMANDS: Readonly<Record<string, Command>> = {
  'migrate-up': {
    help: "creates or upgrades River's tables, by default to the newest version",
    flags: MIGRATE,
    run: (flags, terminal) => migrate('up', flags, terminal),
  },
  'migrate-down': {
    help: 'takes versions off, by default one',
    flags: MIGRATE,
    run: (flags, terminal) => migrate('down', flags, terminal),
  },
  'migrate-baseline': {
    help: 'records the version of tables that were made by other means',
    flags: [...DATABASE, 'target-version', 'lock-timeout', 'dry-run'],
    run: baseline,
  },
  'migrate-list': {
    help: 'lists all versions, and marks the one that the database is at',
    flags: DATABASE,
    run: list,
  },
  'migrate-get': {
    help: 'prints the SQL of versions, for other migration tools',
    flags: ['version', 'all', 'exclude-version', 'up', 'down', 'schema', 'line'],
    run: get,
  },
  validate: {
    help: 'tells by its exit code whether all versions are applied',
    flags: DATABASE,
    run: validate,
  },
};

async function migrate(
  direction: MigrationDirection,
  flags: FlagValues,
  terminal: Terminal,
): Promise<number> {
  const target = integerFlag('target-version', flags['target-version']);
  const options = asUsage(() =>
    checkMigrateOptions({
      direction,
      // As River's command line has it: 0 is what its library calls -1.
      targetVersion: direction === 'down' && target === 0 ? -1 : target,
      maxSteps: integerFlag('max-steps', flags['max-steps']),
      dryRun: flags['dry-run'],
      lockTimeoutMs: integerFlag('lock-timeout', flags['lock-timeout']),
    }),
  );
  return await withMigrator(flags, terminal, async (migrator) => {
    const result = await migrator.migrate(options);
    for (const line of linesOf(result, flags)) terminal.print(line);
    return 0;
  });
}

function linesOf({ direction, versions }: MigrateResult, flags: FlagValues): readonly string[] {
  if (versions.length === 0) return ['no migrations to apply'];
  const lineOf = ({ version, name, durationMs }: MigratedVersion): string => {
    const what = `migration ${padded(version)} [${direction}] ${name}`;
    return flags['dry-run'] ? `${what} [DRY RUN]` : `applied ${what} [${durationMs.toFixed(1)}ms]`;
  };
  return versions.flatMap((each) => {
    const sql = ['-'.repeat(80), heading(each, direction), each.sql, ''];
    return flags['show-sql'] ? [lineOf(each), ...sql] : [lineOf(each)];
  });
}

async function baseline(flags: FlagValues, terminal: Terminal): Promise<number> {
  const version = integerFlag('target-version', flags['target-version']);
  if (version === undefined) throw new UsageError('give --target-version, which the tables are at');
  const options = asUsage(() =>
    checkBaselineOptions({
      version,
      dryRun: flags['dry-run'],
      lockTimeoutMs: integerFlag('lock-timeout', flags['lock-timeout']),
    }),
  );
  return await withMigrator(flags, terminal, async (migrator) => {
    const { recorded } = await migrator.baseline(options);
    const what =
      recorded.length === 0 ? 'no versions to record' : `recorded ${recorded.join(', ')}`;
    terminal.print(flags['dry-run'] ? `${what} [DRY RUN]` : what);
    return 0;
  });
}

async function list(flags: FlagValues, terminal: Terminal): Promise<number> {
  return await withMigrator(flags, terminal, async (migrator) => {
    const newest = (await migrator.existingVersions()).at(-1)?.version;
    for (const { version, name } of migrator.allVersions()) {
      terminal.print(`${version === newest ? '*' : ' '} ${padded(version)} ${name}`);
    }
    return 0;
  });
}

async function get(flags: FlagValues, terminal: Terminal): Promise<number> {
  const { prefix } = schemaOf(flags);
  if (flags.up === flags.down) throw new UsageError('give one of --up and --down');
  const direction = flags.up ? 'up' : 'down';
  const excluded = versionsOf('exclude-version', flags);
  const texts = selected(flags, direction)
    .filter(({ version }) => !excluded.includes(version))
    .map((each) => `${heading(each, direction)}\n${each[direction](prefix)}`);
  if (texts.length > 0) terminal.print(texts.join('\n\n'));
  return 0;
}

function selected(flags: FlagValues, direction: MigrationDirection): readonly Migration[] {
  const versions = versionsOf('version', flags);
  if ((flags.all ?? false) === versions.length > 0) {
    throw new UsageError('give one of --all and --version');
  }
  if (flags.all) return direction === 'up' ? MAIN_LINE : MAIN_LINE.toReversed();
  return versions.flatMap((version) => MAIN_LINE[version - 1] ?? []);
}

function versionsOf(flag: 'version' | 'exclude-version', flags: FlagValues): readonly number[] {
  const versions = integerFlags(flag, flags[flag]);
  for (const version of versions) asUsage(() => checkVersion(version, `--${flag}`));
  return versions;
}

async function validate(flags: FlagValues, terminal: Terminal): Promise<number> {
  return await withMigrator(flags, terminal, async (migrator) => {
    const { ok, messages } = await migrator.validate();
    if (ok) terminal.print("River's schema is valid: all migrations are applied");
    for (const message of messages) terminal.printError(message);
    return ok ? 0 : 1;
  });
}

function heading({ version }: { readonly version: number }, direction: MigrationDirection): string {
  return `-- River main migration ${padded(version)} [${direction}]`;
}

function padded(version: number): string {
  return String(version).padStart(3, '0');
}
