import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be taken away and brought back, as by its restart. */
export class Way {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  /** What the application sends from now on gets no answer, and its connections are not closed. */
  isSilent = false;

  constructor(url: string) {
    this.#target = new URL(url);
  }

  get url(): string {
    const url = new URL(this.#target);
    [url.hostname, url.port] = ['127.0.0.1', String(this.#port)];
    return url.href;
  }

  async open(): Promise<void> {
    this.#server = createServer((client) => {
      const { hostname, port } = this.#target;
      const upstream = connect({ host: hostname, port: Number(port || 5432) });
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk) => this.isSilent || to.write(chunk));
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
      }
    });
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    if (this.#server) await once(this.#server.close(), 'close');
    this.#server = undefined;
  }
}
