import { createServer } from 'node:net';
import type { Settings } from '../config/settings.js';
import { StartError } from './start-error.js';

/** Asked before anything is started, so that the answer comes at once and leaves nothing behind. */
export async function assertPortIsFree({ port, host }: Settings): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(portError(port, error)));
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/** The reason why a port cannot be had, in words, for an error of `listen`. */
export function portError(port: number, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new StartError(
      `Port ${port} is taken by another program. Choose another: PORT=${port + 1} npm start`,
    );
  }
  if (code === 'EACCES') {
    return new StartError(`Port ${port} is not allowed for this user. Choose one above 1023.`);
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** A port that nothing uses at the moment, on the loopback interface. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
