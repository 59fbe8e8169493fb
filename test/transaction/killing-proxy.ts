import type { Socket } from 'node:net';
import { ConnectionRecord } from '../support/connection-record.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { queryAll, type TestDatabase } from '../support/index.js';
import { MessageReader } from '../support/message-reader.js';

/**
 * Where a backend ends, seen from a statement: before the server gets it; while the server is at it
 * (which a lock must see to); when it is done and the answer is lost; when it is answered.
 */
export type Moment = 'before' | 'during' | 'at the answer of' | 'after';

/** A way to a database on which backends are ended at a chosen statement. */
export class KillingProxy extends DatabaseProxy {
  #plan: { readonly statement: RegExp; readonly moment: Moment } | undefined;
  #killing: Promise<void> = Promise.resolve();
  /** How many backends were ended. */
  kills = 0;

  static open(target: TestDatabase): Promise<KillingProxy> {
    return new KillingProxy(target).listen();
  }

  /** Ends, once, the backend of the connection that sends such a statement next. */
  killAt(moment: Moment, statement: RegExp): void {
    this.#plan = { statement, moment };
  }

  /** Until the client must have heard of the end of its backend, if it has one to hear of. */
  async heard(): Promise<void> {
    await this.#killing;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  protected pass(client: Socket, upstream: Socket): void {
    let pid = 0;
    let moment: Moment | undefined;
    const record = new ConnectionRecord(0, {
      onStatement: ({ sql }) => {
        if (this.#plan?.statement.test(sql) !== true) return;
        ({ moment } = this.#plan);
        this.#plan = undefined;
      },
      onRoundTrip: () => undefined,
    });
    client.on('data', (chunk) => {
      record.clientSends(chunk);
      if (moment !== 'before') upstream.write(chunk);
      if (moment === 'before') this.#kill(pid, client, () => upstream.write(chunk));
      if (moment === 'during') this.#kill(pid, client, undefined, { whenItWaits: true });
      if (moment === 'before' || moment === 'during') moment = undefined;
    });
    const answers = new MessageReader('server');
    upstream.on('data', (chunk) => {
      let isAnswered = false;
      for (const { type, body } of answers.read(chunk)) {
        if (type === 'K') pid = body.readInt32BE(0);
        if (type === 'Z') isAnswered = true;
      }
      // What has not arrived in full is not to arrive at all.
      if (moment !== 'at the answer of') client.write(chunk);
      if (!isAnswered || moment === undefined) return;
      if (moment === 'after') this.#kill(pid, client);
      else this.#kill(pid, client, () => client.destroy());
      moment = moment === 'after' ? undefined : moment;
    });
  }

  /** What the client sends meanwhile waits. */
  #kill(
    pid: number,
    client: Socket,
    then: () => void = () => undefined,
    { whenItWaits = false } = {},
  ): void {
    client.pause();
    this.kills++;
    this.#killing = (async () => {
      const isWaiting = `select from pg_locks where pid = $1 and not granted`;
      while (whenItWaits && (await queryAll(this.target, isWaiting, [pid])).length === 0);
      await queryAll(this.target, 'select pg_terminate_backend($1, 5000)', [pid]);
      then();
      client.resume();
    })();
  }
}
