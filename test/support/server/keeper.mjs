import { spawn } from 'node:child_process';

/**
 * Waits for its input to end, which it does when the process at the other end is gone, however it
 * went. Then ends the server, whose id Postgres keeps in the first line of a file, and removes the
 * folder.
 */
const SCRIPT = `
  read -r word && [ "$word" = done ] && exit
  server=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) && kill -INT "$server"
  while [ -n "$server" ] && kill -0 "$server" 2>/dev/null; do sleep 0.1; done
  rm -rf "$1"`;

/**
 * Watches over a server and its folder from a process of its own, so that a run which is killed
 * leaves neither behind. Windows has no such shell and goes without.
 *
 * @param {string} folder
 * @returns {{ dismiss: () => void }} To be dismissed when the server has ended in order.
 */
export function keep(folder) {
  if (process.platform === 'win32') return { dismiss: () => undefined };
  const keeper = spawn('sh', ['-c', SCRIPT, 'sh', folder], {
    // In a group of its own, where a signal to the group of the run does not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.unref();
  return { dismiss: () => void keeper.stdin.end('done\n') };
}
