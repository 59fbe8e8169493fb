import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestDatabase } from './test-database.js';

/** A way to a database on which a test reads, changes or loses what passes. */
export abstract class DatabaseProxy {
  protected readonly target: TestDatabase;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#connect(client));

  protected constructor(target: TestDatabase) {
    this.target = target;
  }

  /** Passes on what arrives on a new connection and on the one to the server that belongs to it. */
  protected abstract pass(client: Socket, upstream: Socket): void;

  protected async listen(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  /** The same database, by this way. */
  get database(): TestDatabase {
    const url = new URL(this.target.url);
    const { port } = this.#server.address() as AddressInfo;
    [url.hostname, url.port] = ['127.0.0.1', String(port)];
    return { ...this.target, url: url.href };
  }

  /** To be called when the data sources that use it are closed. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }

  /** A side that goes, in order or by error, takes the other with it, as without the proxy. */
  #connect(client: Socket): void {
    const { hostname, port } = new URL(this.target.url);
    const upstream = connect({ host: hostname, port: Number(port || 5432) });
    for (const socket of [client, upstream]) this.#sockets.add(socket.setNoDelay());
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    this.pass(client, upstream);
  }
}
