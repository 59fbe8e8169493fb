import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestDatabase } from '../support/index.js';

/** A way to a database on which connections die without a word, as behind a lost host or a firewall. */
export class FreezingProxy {
  readonly #target: TestDatabase;
  readonly #sockets = new Set<Socket>();
  readonly #frozen = new Set<Socket>();
  readonly #server = createServer((client) => this.#connect(client));
  #toFreeze = 0;
  /** Answers that have not been passed on. */
  #held: (() => void)[] | undefined;

  private constructor(target: TestDatabase) {
    this.#target = target;
  }

  static async open(target: TestDatabase): Promise<FreezingProxy> {
    const proxy = new FreezingProxy(target);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  /** The same database, by this way. */
  get database(): TestDatabase {
    const url = new URL(this.#target.url);
    const { port } = this.#server.address() as AddressInfo;
    [url.hostname, url.port] = ['127.0.0.1', String(port)];
    return { ...this.#target, url: url.href };
  }

  /** The next connections on which something is sent: none of it arrives, nor anything after it. */
  freezeNext(count: number): void {
    this.#toFreeze = count;
  }

  /** Keeps the answers of the server back, as on a network that stalls and recovers. */
  holdAnswers(): void {
    this.#held = [];
  }

  passAnswers(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const pass of held) pass();
  }

  /** Closes what is frozen, at the client's end and at the server's. */
  cutFrozen(): void {
    for (const socket of this.#frozen) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }

  #connect(client: Socket): void {
    const { hostname, port } = new URL(this.#target.url);
    const upstream = connect({ host: hostname, port: Number(port || 5432) });
    for (const socket of [client, upstream]) this.#sockets.add(socket.setNoDelay());
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('data', (chunk) => {
      if (this.#toFreeze > 0 && !this.#frozen.has(client)) {
        this.#toFreeze--;
        this.#frozen.add(client);
      }
      if (!this.#frozen.has(client)) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      const pass = (): void => void client.write(chunk);
      if (this.#held === undefined) pass();
      else this.#held.push(pass);
    });
  }
}
