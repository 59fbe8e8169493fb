import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';

/** @typedef {{ cwd: string, limitMs: number, env?: Record<string, string> }} Options */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Ends whatever is still running, with all that it has started. */
export function endCommands() {
  for (const child of running) endGroup(child);
}

/**
 * Runs a command to its end, in a process group of its own, and within a limit of time.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Options} options
 * @returns {Promise<{ code: number | null, output: string }>} What it printed, and how it ended.
 */
export function command(program, args, options) {
  return startCommand(program, args, options).ended;
}

/**
 * As {@link command}, for one that is used while it runs, and ended.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Options} options
 */
export function startCommand(program, args, { cwd, limitMs, env = {} }) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  let seen = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder();
    stream.on('data', (data) => {
      output += decoder.write(data);
      seen();
    });
  }
  const limit = setTimeout(() => {
    output += `\nnot over after ${limitMs / 1000} s`;
    endGroup(child);
  }, limitMs);
  /** @type {Promise<{ code: number | null, output: string }>} */
  const ended = new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(limit);
      running.delete(child);
    };
    child.once('error', (error) => {
      over();
      reject(error);
    });
    child.once('close', (code) => {
      over();
      resolve({ code, output });
    });
  });
  /** @param {string} text @returns {Promise<void>} Rejects when the command ends without it. */
  const printed = (text) =>
    new Promise((resolve, reject) => {
      seen = () => {
        if (output.includes(text)) resolve();
      };
      seen();
      ended.then(() => reject(new Error(`${program} ended without "${text}":\n${output}`)), reject);
    });
  return { ended, printed, end: () => endGroup(child) };
}

/**
 * As {@link command}, for one that must succeed.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Options} options
 */
export async function mustSucceed(program, args, options) {
  const { code, output } = await command(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** @param {import('node:child_process').ChildProcess} child */
function endGroup({ pid }) {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}
