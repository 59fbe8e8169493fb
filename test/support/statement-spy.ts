import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { ConnectionRecord, type SentStatement } from './connection-record.js';
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

/**
 * Puts a small proxy before the server and reads Postgres' protocol as it passes. Unlike the
 * server's log this works on every server a test may run on, and it shows round trips too.
 */
export async function spyStatements(database: TestDatabase): Promise<StatementSpy> {
  let statements: SentStatement[] = [];
  let roundTrips = 0;
  let connections = 0;
  const sockets = new Set<Socket>();
  const target = new URL(database.url);

  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port || 5432) });
    for (const socket of [client, upstream]) sockets.add(socket.setNoDelay());
    const record = new ConnectionRecord((connections += 1), {
      onStatement: (statement) => statements.push(statement),
      onRoundTrip: () => (roundTrips += 1),
    });
    forward({ from: client, to: upstream, note: (chunk) => record.clientSends(chunk) });
    forward({ from: upstream, to: client, note: (chunk) => record.serverSends(chunk) });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    database: { ...database, url: viaPort(target, (server.address() as AddressInfo).port) },
    async during(work) {
      statements = [];
      roundTrips = 0;
      await work();
      return { statements, roundTrips };
    },
    sentSoFar: () => statements.length,
    async close() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
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
  // A side that goes, in order or by error, takes the other with it, as without the proxy.
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
  from.on('end', () => to.end());
}

function viaPort(target: URL, port: number): string {
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}
