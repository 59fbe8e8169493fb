import type { SchemaName } from '../../postgres/connection/schema-name.js';
import { nameText } from '../../errors/name-text.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { sleep } from '../../real-time.js';
import type { OutageLog } from '../outage-log.js';
import { inOwnContext } from '../own-context.js';
import type { ControlEvent } from '../queue/control-event.js';
import type { WorkerCore } from '../worker-core.js';
import type { WorkerDatabase } from '../worker-database.js';
import { Listening, type Claim } from './listening.js';
import {
  controlEvent,
  insertedQueue,
  leadershipEvent,
  type LeadershipEvent,
  type Topic,
} from './topics.js';

/** Milliseconds to the first new connection, and to any. */
const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 64_000;
/** By what part each pause is longer or shorter. */
const JITTER = 0.1;

/** How often the client id is asked for at the start: for some 5 seconds. */
const CLAIM_TRIES = 25;

/** What a notifier needs to know of its worker. */
export type NotifierCore = Pick<WorkerCore, 'schema' | 'outages' | 'clientId'>;

type Listener<Event> = (event: Event) => void;
/** Removes a listener. */
export type Unlisten = () => void;

/**
 * Receives the notifications of River's clients on one connection of the worker's. A lost connection is
 * opened anew; what was missed meanwhile is for those to find who listen to {@link onReconnect}.
 */
export class Notifier {
  readonly #database: WorkerDatabase;
  readonly #schema: SchemaName;
  readonly #outages: OutageLog;
  readonly #clientId: string;
  readonly #inserts = new Set<Listener<string>>();
  readonly #controls = new Set<Listener<ControlEvent>>();
  readonly #leaderships = new Set<Listener<LeadershipEvent>>();
  readonly #reconnects = new Set<Listener<void>>();
  #stop = new AbortController();
  #running = Promise.resolve();

  constructor(database: WorkerDatabase, { schema, outages, clientId }: NotifierCore) {
    this.#database = database;
    this.#schema = schema;
    this.#outages = outages;
    this.#clientId = clientId;
  }

  /**
   * Listens from here on, and claims the client id for as long as it does.
   *
   * @throws DatabaseError when the first connection fails
   * @throws RiverConfigurationError when another worker has the client id
   */
  async start(): Promise<void> {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    await inOwnContext(async () => {
      const first = await this.#open(signal, this.#claim(CLAIM_TRIES));
      this.#running = this.#keepOpen(first, signal);
    });
  }

  /** Closes the connection. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** A job was inserted into a queue. */
  onInsert(listener: Listener<string>): Unlisten {
    return added(this.#inserts, listener);
  }

  /** A queue was paused or resumed, or a job of it cancelled. */
  onControl(listener: Listener<ControlEvent>): Unlisten {
    return added(this.#controls, listener);
  }

  /** A leader has resigned, or is asked to. */
  onLeadership(listener: Listener<LeadershipEvent>): Unlisten {
    return added(this.#leaderships, listener);
  }

  /** The connection is there again: notifications may have been missed. */
  onReconnect(listener: () => void): Unlisten {
    return added(this.#reconnects, listener);
  }

  /** Another worker's id is an error at the start. A session of our own that was lost may have it still. */
  #claim(tries: number): Claim {
    const error = new RiverConfigurationError(
      `RiverWorkerModule: clientId: another worker in this database has the id '${nameText(this.#clientId)}', or ` +
        'had it until a moment ago. Give each process its own, or leave the option out.',
      { code: 'RIVER_CLIENT_ID_TAKEN', field: 'clientId' },
    );
    const text = `nestjs-river.worker ${this.#schema.name ?? ''} ${this.#clientId}`;
    return { text, tries, refused: tries > 1 ? error : undefined };
  }

  #open(signal: AbortSignal, claim: Claim): Promise<Listening> {
    const onNotification = (topic: Topic, payload: string): void => this.#notified(topic, payload);
    return Listening.open(this.#database, this.#schema, { signal, onNotification, claim });
  }

  async #keepOpen(first: Listening, signal: AbortSignal): Promise<void> {
    let listening: Listening | undefined = first;
    let pauseMs = SHORTEST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        listening ??= await this.#reopen(signal);
        pauseMs = SHORTEST_PAUSE_MS;
        const cause = await listening.lost;
        await listening.close();
        this.#failed(cause, signal);
      } catch (error) {
        this.#failed(error, signal);
      }
      listening = undefined;
      await sleep(pauseMs * (1 + JITTER * (2 * Math.random() - 1)), signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async #reopen(signal: AbortSignal): Promise<Listening> {
    const listening = await this.#open(signal, this.#claim(1));
    this.#outages.succeeded();
    for (const listener of this.#reconnects) listener();
    return listening;
  }

  #failed(cause: unknown, { aborted }: AbortSignal): void {
    if (!aborted) this.#outages.failed('Listening for notifications', cause);
  }

  #notified(topic: Topic, payload: string): void {
    if (topic === 'river_insert') tell(this.#inserts, insertedQueue(payload));
    else if (topic === 'river_control') tell(this.#controls, controlEvent(payload));
    else tell(this.#leaderships, leadershipEvent(payload));
  }
}

function added<T>(listeners: Set<T>, listener: T): Unlisten {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell<Event>(listeners: Iterable<Listener<Event>>, event: Event | undefined): void {
  if (event === undefined) return;
  for (const listener of listeners) listener(event);
}
