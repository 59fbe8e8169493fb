import { Logger } from '@nestjs/common';
import type { ClientParts } from '../client/client-parts.js';
import { nextTurn } from '../real-time.js';
import type { JobEvent, JobEventType, ReportJobEvent } from './attempt/job-event.js';
import { notifyListeners, type JobListener } from './handlers/explore-workers.js';

/** Events that wait for whoever iterates over them, at most. As River's client. */
const MAX_BUFFERED = 1_000;

/** Passes the events of jobs on, to methods with `@OnJob...` and to those who iterate over them. */
export class JobEventHub {
  readonly #results: ClientParts['results'];
  readonly #subscriptions = new Set<Subscription>();
  #listeners: readonly JobListener[] = [];
  #ended: string[] = [];

  constructor({ results }: ClientParts) {
    this.#results = results;
  }

  /** Replaces the methods that are called. */
  listen(listeners: readonly JobListener[]): void {
    this.#listeners = listeners;
  }

  /** undefined: nobody wants events, so that none has to be made. */
  get report(): ReportJobEvent | undefined {
    return this.#listeners.length === 0 && this.#subscriptions.size === 0
      ? undefined
      : this.#report;
  }

  readonly #report: ReportJobEvent = (event) => {
    notifyListeners(this.#listeners, event);
    for (const subscription of this.#subscriptions) subscription.add(event);
  };

  /** A job has ended: who waits for it in this process need not wait for the next poll. */
  readonly ended = (id: string): void => {
    if (this.#ended.push(id) > 1) return;
    void nextTurn().then(() => this.#results.ended(this.#ended.splice(0)));
  };

  /** The events from here on; see `RiverWorker.events`. */
  subscribe(types: readonly JobEventType[]): AsyncIterableIterator<JobEvent> {
    const subscription = new Subscription(types, () => this.#subscriptions.delete(subscription));
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Ends all iterations, when what they have buffered is read. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.end();
  }
}

/** One iteration over events. */
class Subscription implements AsyncIterableIterator<JobEvent> {
  readonly #types: readonly JobEventType[];
  readonly #onEnd: () => void;
  readonly #buffer: JobEvent[] = [];
  #waiting: ((result: IteratorResult<JobEvent>) => void)[] = [];
  #hasEnded = false;
  #dropped = 0;

  constructor(types: readonly JobEventType[], onEnd: () => void) {
    this.#types = types;
    this.#onEnd = onEnd;
  }

  add(event: JobEvent): void {
    if (this.#types.length > 0 && !this.#types.includes(event.type)) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting({ value: event, done: false });
    if (this.#buffer.length < MAX_BUFFERED) return void this.#buffer.push(event);
    if (this.#dropped++ > 0) return;
    new Logger('RiverWorker').warn(
      `events(): more than ${MAX_BUFFERED} events wait to be read; later ones are dropped until they are.`,
    );
  }

  end(): void {
    this.#hasEnded = true;
    this.#onEnd();
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<JobEvent>> {
    const event = this.#buffer.shift();
    if (event !== undefined) {
      this.#dropped = 0;
      return Promise.resolve({ value: event, done: false });
    }
    if (this.#hasEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<JobEvent>> {
    this.#buffer.length = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
