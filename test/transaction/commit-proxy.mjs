import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * @typedef {object} CommitProxy
 * @property {string} url The same database, through the proxy.
 * @property {(when: 'before' | 'after') => void} cutNext Cuts the next connection that sends COMMIT:
 *   just before it would reach the server, or when the server has answered it.
 * @property {() => Promise<void>} close
 */

/**
 * A way to a database that loses connections at COMMIT.
 *
 * @param {string} url
 * @returns {Promise<CommitProxy>}
 */
export async function openCommitProxy(url) {
  const target = new URL(url);
  /** @type {'before' | 'after' | undefined} */
  let cut;
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port || 5432) });
    for (const socket of [client, upstream]) sockets.add(socket.setNoDelay());
    const end = () => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    let endsAtAnswer = false;
    client.on('data', (chunk) => {
      if (cut !== undefined && chunk.includes('COMMIT\0')) {
        endsAtAnswer = cut === 'after';
        cut = undefined;
        if (!endsAtAnswer) return end();
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (endsAtAnswer) end();
      else client.write(chunk);
    });
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
  return {
    url: through.href,
    cutNext: (when) => void (cut = when),
    async close() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}
