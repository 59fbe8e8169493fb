import type { Socket } from 'node:net';
import { DatabaseProxy } from '../support/database-proxy.js';
import type { TestDatabase } from '../support/index.js';

/** A way to a database on which connections die without a word, as behind a lost host or a firewall. */
export class FreezingProxy extends DatabaseProxy {
  readonly #frozen = new Set<Socket>();
  #toFreeze = 0;
  /** Answers that have not been passed on. */
  #held: (() => void)[] | undefined;

  static open(target: TestDatabase): Promise<FreezingProxy> {
    return new FreezingProxy(target).listen();
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

  protected pass(client: Socket, upstream: Socket): void {
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
