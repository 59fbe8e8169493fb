import type { Socket } from 'node:net';
import { ConnectionRecord, type SentStatement } from './connection-record.js';
import { DatabaseProxy } from './database-proxy.js';
import type { TestDatabase } from './test-database.js';

/** What was sent to the server while something ran. */
export interface Sent {
  readonly statements: readonly SentStatement[];
  /** How often a connection had to wait for the server. Opening a connection is not counted. */
  readonly roundTrips: number;
}

/** A way to a test database that takes note of every statement that passes. */
export interface StatementSpy {
  /** The same database, reached through the spy: open a data source or a client on this one. */
  readonly database: TestDatabase;
  /** Runs `work` and tells what was sent meanwhile, on whichever connection. */
  during(work: () => Promise<unknown>): Promise<Sent>;
  /** How many statements were sent since the work began that runs under `during`. */
  sentSoFar(): number;
  /** Closes the way, after the data sources that use it. */
  close(): Promise<void>;
}

/** Reads Postgres' protocol as it passes. */
class SpyingProxy extends DatabaseProxy {
  #connections = 0;
  statements: SentStatement[] = [];
  roundTrips = 0;

  static open(target: TestDatabase): Promise<SpyingProxy> {
    return new SpyingProxy(target).listen();
  }

  protected pass(client: Socket, upstream: Socket): void {
    const record = new ConnectionRecord((this.#connections += 1), {
      onStatement: (statement) => this.statements.push(statement),
      onRoundTrip: () => (this.roundTrips += 1),
    });
    forward({ from: client, to: upstream, note: (chunk) => record.clientSends(chunk) });
    forward({ from: upstream, to: client, note: (chunk) => record.serverSends(chunk) });
  }
}

/**
 * Puts a small proxy before the server. Unlike the server's log this works on every server a test may
 * run on, and it shows round trips too.
 */
export async function spyStatements(database: TestDatabase): Promise<StatementSpy> {
  const proxy = await SpyingProxy.open(database);
  return {
    database: proxy.database,
    async during(work) {
      proxy.statements = [];
      proxy.roundTrips = 0;
      await work();
      const { statements, roundTrips } = proxy;
      return { statements, roundTrips };
    },
    sentSoFar: () => proxy.statements.length,
    close: () => proxy.close(),
  };
}

function forward({
  from,
  to,
  note,
}: {
  from: Socket;
  to: Socket;
  note: (chunk: Buffer) => void;
}): void {
  from.on('data', (chunk: Buffer) => {
    note(chunk);
    to.write(chunk);
  });
  from.on('end', () => to.end());
}
