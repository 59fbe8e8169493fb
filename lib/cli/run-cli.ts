import { driverMessage } from '../errors/database-errors.js';
import { RiverError } from '../errors/river-error.js';
import { RiverMigrationError } from '../errors/setup-errors.js';
import { nameText } from '../errors/name-text.js';
import { COMMANDS, type Command } from './commands.js';
import { FLAGS, parseFlags, type Flag } from './flags.js';
import { type Terminal, UsageError } from './terminal.js';

/**
 * Runs a command line.
 *
 * @param args without the program's name
 * @returns the exit code: 0 done or valid, 1 failed or not valid, 2 the command line makes no sense
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = '', ...rest] = args;
  if (['help', '--help', '-h'].includes(name)) {
    terminal.print(overview());
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    terminal.printError(
      name === '' ? overview() : `nestjs-river: no command ${nameText(name)}; see --help`,
    );
    return 2;
  }
  try {
    const flags = parseFlags(rest, [...command.flags, 'help']);
    if (!flags.help) return await command.run(flags, terminal);
    terminal.print(helpOf(name, command));
    return 0;
  } catch (error) {
    return failed(`nestjs-river ${name}`, error, terminal);
  }
}

function failed(what: string, error: unknown, { printError }: Terminal): number {
  if (error instanceof UsageError) {
    printError(`${what}: ${error.message.replace(/\.$/, '')}; see ${what} --help`);
    return 2;
  }
  const code = error instanceof RiverError ? `${error.code}: ` : '';
  printError(`${what}: ${code}${driverMessage(error)}`);
  if (error instanceof RiverMigrationError && error.applied.length > 0) {
    printError(`${what}: applied before that, and kept: ${error.applied.join(', ')}`);
  }
  return 1;
}

function overview(): string {
  const names = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(18)}${help}`);
  return [
    "nestjs-river: River's tables in Postgres",
    '',
    'nestjs-river COMMAND [FLAGS]',
    '',
    ...names,
    '',
    'nestjs-river COMMAND --help tells its flags. Exit codes: 0 done or valid, 1 failed or not valid,',
    '2 the command line makes no sense.',
  ].join('\n');
}

function helpOf(name: string, { help, flags }: Command): string {
  const lines = flags.map((flag) => `  ${spelled(flag).padEnd(28)}${FLAGS[flag].help}`);
  return [`nestjs-river ${name}: ${help}`, '', ...lines].join('\n');
}

function spelled(flag: Flag): string {
  const { [flag]: found } = FLAGS;
  return 'value' in found ? `--${flag} ${found.value}` : `--${flag}`;
}
