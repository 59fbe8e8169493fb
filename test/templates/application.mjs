import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { startCommand } from '../compat/command.mjs';

const LIMIT_MS = 180_000;
const STARTED = 'Nest application successfully started';

/**
 * Runs `use` while an application runs.
 *
 * @param {{ folder: string, command: readonly string[], env: Record<string, string> }} application
 * @param {(url: string) => Promise<void>} use
 */
export async function whileItRuns({ folder, command: [program = '', ...args], env }, use) {
  const port = await freePort();
  const options = { cwd: folder, limitMs: LIMIT_MS, env: { ...env, PORT: `${port}` } };
  const app = startCommand(program, args, options);
  try {
    await app.printed(STARTED);
    // It says that it has started before it listens.
    for (let tries = 0; tries < 500 && !(await listens(port)); tries++) await setTimeout(20);
    await use(`http://127.0.0.1:${port}`);
  } finally {
    app.end();
    await app.ended;
  }
}

/** @param {string} url @param {object} body @returns {Promise<any>} what it answers */
export async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return await response.json();
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.end());
  });
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
