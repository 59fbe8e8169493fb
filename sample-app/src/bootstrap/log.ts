/**
 * One line on the terminal. A terminal that went away must not turn the orderly end of the
 * application into a crash, hence the listener.
 */
export function log(line: string, from = 'sample'): void {
  process.stdout.write(line === '' ? '\n' : `[${from}] ${line}\n`);
}

process.stdout.on('error', () => undefined);
