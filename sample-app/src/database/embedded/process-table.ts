import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it: then there is one.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether a process is alive and is the one meant: process ids are given out again. */
export async function isRunning(pid: number, commandContains: string): Promise<boolean> {
  return isAlive(pid) && (await commandLine(pid)).includes(commandContains);
}

async function commandLine(pid: number): Promise<string> {
  try {
    // Linux; small images have no `ps`.
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    const ps = promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]);
    return ps.then(
      ({ stdout }) => stdout,
      () => '',
    );
  }
}
