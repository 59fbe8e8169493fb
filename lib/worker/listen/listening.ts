import type { EventEmitter } from 'node:events';
import type { QueryRunner } from 'typeorm';
import { onAbort, withDeadline } from '../../abort-signal.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { ClientConnection, unavailable } from '../../postgres/connection/connection.js';
import type { PoolConnection } from '../../postgres/connection/pool-connection.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import { unpreparedStatement } from '../../postgres/connection/statement.js';
import { close, type PgClient } from '../../postgres/driver/pg-client.js';
import { CLAIM_CLIENT_ID } from '../../postgres/worker/client-id-statement.js';
import { connectUnlessAborted } from '../../postgres/driver/request-client.js';
import { clearTimeout, setTimeout, sleep } from '../../real-time.js';
import type { WorkerDatabase } from '../worker-database.js';
import { TOPICS, type Topic } from './topics.js';

/** Milliseconds of silence after which the connection is tried, and those for the answer. */
const PING_MS = 5_000;
/** The bytes of the name of a channel. */
const MAX_CHANNEL = 63;
/** Milliseconds between two tries to claim what another session has. */
const CLAIM_PAUSE_MS = 200;

const SCHEMA = unpreparedStatement('listen', 'SELECT pg_catalog.current_schema() AS name');
const SESSION = unpreparedStatement('listen', 'SELECT pg_catalog.pg_backend_pid() AS pid');
const PING = unpreparedStatement('listen', '-- ping');

/** What the session claims for as long as it lasts. */
export interface Claim {
  readonly text: string;
  /** How often it is tried. */
  readonly tries: number;
  /** What is thrown when another session has it; undefined: nothing. */
  readonly refused: Error | undefined;
}

interface ListeningOptions {
  readonly signal: AbortSignal;
  readonly onNotification: OnNotification;
  readonly claim: Claim;
}

type OnNotification = (topic: Topic, payload: string) => void;

/** One connection that listens, until it is lost or closed. */
export class Listening {
  /** Resolves with the cause when the connection is lost, or was closed. */
  readonly lost: Promise<unknown>;
  readonly #queryRunner: QueryRunner;
  readonly #client: PgClient & EventEmitter;
  readonly #connection: ClientConnection;
  readonly #onNotification: OnNotification;
  #lose!: (cause: unknown) => void;
  #ping: NodeJS.Timeout | undefined;
  #topics: ReadonlyMap<string, Topic> = new Map();

  private constructor(
    client: PgClient & EventEmitter,
    { queryRunner, onNotification }: { queryRunner: QueryRunner; onNotification: OnNotification },
  ) {
    this.#queryRunner = queryRunner;
    this.#client = client;
    this.#onNotification = onNotification;
    const settings = { dataSource: queryRunner.connection, preparedStatements: false };
    this.#connection = new ClientConnection(client, settings, queryRunner);
    this.lost = new Promise((resolve) => (this.#lose = resolve));
  }

  /**
   * @param signal closes it
   * @throws DatabaseError, RiverConfigurationError
   */
  static async open(
    { dataSource, connection }: WorkerDatabase,
    schema: SchemaName,
    { signal, onNotification, claim }: ListeningOptions,
  ): Promise<Listening> {
    const queryRunner = dataSource.createQueryRunner('master');
    const connecting = connectUnlessAborted(queryRunner, [signal]);
    const client = (await connecting.catch((cause: unknown) => {
      throw unavailable('listen', cause);
    })) as PgClient & EventEmitter;
    const listening = new Listening(client, { queryRunner, onNotification });
    const leave = onAbort(signal, () => void listening.close());
    void listening.lost.then(leave);
    try {
      signal.throwIfAborted();
      await listening.#requireOwnSession(connection);
      await listening.#claim(claim, signal);
      await listening.#listen(schema);
    } catch (error) {
      await listening.close();
      throw error;
    }
    return listening;
  }

  /** Closes the connection, which nobody else can use: it listens. */
  async close(): Promise<void> {
    clearTimeout(this.#ping);
    this.#ping = undefined;
    this.#client.off('notification', this.#notified).off('end', this.#ended);
    close(this.#client);
    await this.#queryRunner.release();
    this.#client.off('error', this.#ended);
    this.#lose(undefined);
  }

  /** The session of a worker that has just stopped, or was killed, may not have ended yet. */
  async #claim({ text, tries, refused }: Claim, signal: AbortSignal): Promise<void> {
    for (let left = tries; left > 0 && !signal.aborted; left--) {
      const [row] = await this.#connection.run(CLAIM_CLIENT_ID, [text]);
      if (row?.['claimed'] === 't') return;
      if (left > 1) await sleep(CLAIM_PAUSE_MS, signal);
    }
    signal.throwIfAborted();
    if (refused !== undefined) throw refused;
  }

  /** Behind a pooler in transaction mode, the next transaction runs in the session that is to listen. */
  async #requireOwnSession(pool: PoolConnection): Promise<void> {
    this.#client.on('error', this.#ended).on('end', this.#ended);
    const [own] = await this.#connection.run(SESSION, []);
    const [other] = await pool.transaction((inner) => inner.run(SESSION, []));
    if (own?.['pid'] !== other?.['pid']) return;
    throw new RiverConfigurationError(
      'RiverWorkerModule: the data source is behind a pooler that lends a session for one transaction, as ' +
        'PgBouncer does in transaction mode, so that no notification arrives. Set connections: ' +
        '{ listen: false }, or connect to Postgres itself.',
      { code: 'RIVER_CANNOT_LISTEN', field: 'connections.listen' },
    );
  }

  async #listen(schema: SchemaName): Promise<void> {
    const name = schema.name ?? (await this.#connection.run(SCHEMA, []))[0]?.['name'] ?? '';
    this.#topics = new Map(TOPICS.map((topic) => [channelOf(name, topic), topic]));
    this.#client.on('notification', this.#notified);
    for (const channel of this.#topics.keys()) {
      const quoted = `"${channel.replaceAll('"', '""')}"`;
      await this.#connection.run(unpreparedStatement('listen', `LISTEN ${quoted}`), []);
    }
    this.#pingLater();
  }

  readonly #notified = ({ channel, payload }: { channel: string; payload?: string }): void => {
    if (this.#ping !== undefined) this.#pingLater();
    const topic = this.#topics.get(channel);
    if (topic !== undefined) this.#onNotification(topic, payload ?? '');
  };

  readonly #ended = (cause?: unknown): void => {
    clearTimeout(this.#ping);
    this.#ping = undefined;
    this.#lose(cause ?? new Error('the server has closed the connection'));
  };

  #pingLater(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => void this.#pingNow(), PING_MS);
  }

  async #pingNow(): Promise<void> {
    const timedOut = (): Error => new Error(`the server did not answer within ${PING_MS} ms`);
    try {
      await withDeadline(this.#connection.run(PING, []), { limit: { ms: PING_MS, timedOut } });
      if (this.#ping !== undefined) this.#pingLater();
    } catch (error) {
      this.#ended(error);
    }
  }
}

function channelOf(schema: string, topic: Topic): string {
  const channel = `${schema}.${topic}`;
  if (Buffer.byteLength(channel) <= MAX_CHANNEL) return channel;
  throw new RiverConfigurationError(
    `RiverWorkerModule: the name of the schema is too long for notifications: ${topic} takes ` +
      `${MAX_CHANNEL} bytes with it at most. Rename the schema, or set connections: { listen: false }.`,
    { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'schema' },
  );
}
