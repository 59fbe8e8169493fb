import { Logger } from '@nestjs/common';
import { performance } from 'node:perf_hooks';
import { describeValue } from '../errors/describe-value.js';

/** How long to leave it, when a connection could not be had or was lost. */
const AGAIN_AFTER_MS = 5_000;

/** A connected client of `pg` that nobody else uses, by shape. */
export interface ListeningClient {
  query(text: string): Promise<unknown>;
  on(event: 'notification' | 'error' | 'end', listener: (error?: unknown) => void): unknown;
  end(): Promise<void>;
}

/** Gives a connection of its own to listen on; it is ended by this library. */
export type Listen = () => Promise<ListeningClient> | ListeningClient;

/**
 * Hears that jobs have ended, on a connection that the application gives. It only makes waits
 * shorter: what is not heard is found by the next look.
 */
export class FinishListener {
  readonly #logger = new Logger('RiverClient');
  readonly #listen: Listen;
  readonly #onFinished: () => void;
  #state: 'off' | 'on' | 'closed' = 'off';
  /** Changes at every end, so that a client that is still being opened is not used afterwards. */
  #period = 0;
  #client: ListeningClient | undefined;
  #againAt = 0;

  constructor(listen: Listen, onFinished: () => void) {
    this.#listen = listen;
    this.#onFinished = onFinished;
  }

  /** Listens from here on, if it does not yet. */
  start(): void {
    if (this.#state !== 'off' || performance.now() < this.#againAt) return;
    this.#state = 'on';
    void this.#open();
  }

  /** Ends the connection; {@link start} opens another one. */
  async stop(): Promise<void> {
    if (this.#state === 'on') this.#state = 'off';
    this.#period++;
    const client = this.#client;
    this.#client = undefined;
    await this.#end(client);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.stop();
  }

  async #open(): Promise<void> {
    const period = this.#period;
    const lose = (reason: unknown): void => {
      if (period === this.#period) this.#lose(reason);
    };
    let client: ListeningClient | undefined;
    try {
      client = await this.#listen();
      if (typeof client?.query !== 'function' || typeof client.on !== 'function') {
        throw new Error(`it must give a client of pg; got ${describeValue(client)}`);
      }
      client.on('notification', () => this.#onFinished());
      client.on('error', lose);
      client.on('end', () => lose('the connection has ended'));
      await client.query('LISTEN river_finished');
      if (period === this.#period) this.#client = client;
      else await this.#end(client);
    } catch (error) {
      lose(error);
      await this.#end(client);
    }
  }

  #lose(reason: unknown): void {
    if (this.#state !== 'on') return;
    this.#state = 'off';
    this.#period++;
    this.#client = undefined;
    this.#againAt = performance.now() + AGAIN_AFTER_MS;
    this.#logger.warn(
      `waitFor.listen failed, so ends of jobs are only looked for: ${String(reason)}`,
    );
  }

  /** Whether it fails does not matter: the connection is lost then. */
  async #end(client: ListeningClient | undefined): Promise<void> {
    await client?.end?.().catch(() => undefined);
  }
}
