import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { ControlEvent } from '../queue/control-event.js';
import type { OutageLog } from '../outage-log.js';
import type { WorkerDatabase } from '../worker-database.js';

/** What a worker receives of elections. */
export interface LeadershipEvent {
  /** `resigned` or `request_resign`. */
  readonly action: string;
  readonly leaderId: string;
}

type Listener<Event> = (event: Event) => void;
/** Removes a listener. */
export type Unlisten = () => void;

/** Receives the notifications of River's clients on one connection of the worker's. */
export class Notifier {
  constructor(database: WorkerDatabase, schema: SchemaName, outages: OutageLog) {
    void [database, schema, outages];
  }

  /** Listens from here on. Rejects when the first connection fails. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  /** A job was inserted into a queue. */
  onInsert(listener: Listener<string>): Unlisten {
    return () => void listener;
  }

  /** A queue was paused or resumed, or a job of it cancelled. */
  onControl(listener: Listener<ControlEvent>): Unlisten {
    return () => void listener;
  }

  onLeadership(listener: Listener<LeadershipEvent>): Unlisten {
    return () => void listener;
  }

  /** The connection is there again: notifications may have been missed. */
  onReconnect(listener: () => void): Unlisten {
    return () => void listener;
  }
}
