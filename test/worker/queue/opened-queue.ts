import type { AttemptParts } from '../../../lib/worker/attempt/attempt.js';
import type { Handler, HandlerOptions } from '../../../lib/worker/attempt/handler.js';
import type { WorkedJob } from '../../../lib/worker/attempt/job.js';
import type { JobEvent } from '../../../lib/worker/attempt/job-event.js';
import { OutcomeBatcher } from '../../../lib/worker/outcomes/outcome-batcher.js';
import { KindLimits } from '../../../lib/worker/queue/kind-limits.js';
import { Producer } from '../../../lib/worker/queue/producer.js';
import type { ResolvedQueueOptions } from '../../../lib/worker/worker-options.js';
import type { Connectable } from '../../support/index.js';
import { openWorker } from '../worker-core.js';

/** What works a kind in a test. */
export type Work = (job: WorkedJob) => unknown;

export function handler(kind: string, run: Work, options: Partial<HandlerOptions> = {}): Handler {
  const none = { timeoutMs: undefined, maxConcurrent: undefined, retry: undefined };
  return {
    kinds: [kind],
    name: kind,
    options: { transaction: false, decode: undefined, ...none, ...options },
    run,
  };
}

/** What a test may set of the parts of a worker. */
export interface QueuesOptions {
  readonly handlers: readonly Handler[];
  readonly onlyKnownKinds?: boolean;
  readonly listens?: boolean;
  readonly options?: Partial<AttemptParts['options']>;
  readonly middleware?: AttemptParts['middleware'];
}

type MakeProducer = (queue: string, options: ResolvedQueueOptions) => Producer;

/** The queues of one worker, without what finds handlers in an application. */
export class OpenedQueues {
  readonly events: JobEvent[] = [];
  #onEvent: () => void = () => undefined;
  readonly #made: Producer[] = [];
  readonly #make: MakeProducer;
  readonly #close: () => Promise<void>;

  private constructor(make: MakeProducer, close: () => Promise<void>) {
    this.#make = make;
    this.#close = close;
  }

  static async open(
    target: Connectable,
    { handlers, onlyKnownKinds = true, listens = true, options, middleware = [] }: QueuesOptions,
  ): Promise<OpenedQueues> {
    const worker = await openWorker(target);
    const { core } = worker;
    const batcher = new OutcomeBatcher(core);
    const limits = new KindLimits(handlers, onlyKnownKinds);
    const queues: OpenedQueues = new OpenedQueues(
      (queue, queueOptions) =>
        new Producer(core, {
          queue,
          options: queueOptions,
          limits,
          listens,
          whenRoom: () => batcher.whenRoom(),
          parts: {
            options: { ...DEFAULTS, ...options },
            findHandler: (kind) => handlers.find(({ kinds }) => kinds.includes(kind)),
            middleware,
            store: batcher.add,
            inTransaction: () => Promise.reject(new Error('no test here needs a transaction')),
            report: (event) => {
              queues.events.push(event);
              queues.#onEvent();
            },
            ended: () => undefined,
          },
        }),
      async () => {
        await batcher.close(5_000);
        await worker.close();
      },
    );
    return queues;
  }

  /** A queue that polls so seldom that only triggers make it claim. */
  make(queue: string, options: Partial<ResolvedQueueOptions> = {}): Producer {
    const seldom = { maxWorkers: 10, fetchCooldownMs: 1, pollIntervalMs: 3_600_000 };
    const made = this.#make(queue, { ...seldom, ...options });
    this.#made.push(made);
    return made;
  }

  /** Resolves when so many outcomes are stored. */
  async whenEnded(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onEvent = () => {
        if (this.events.length >= count) resolve();
      };
      this.#onEvent();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#made.map((each) => each.stopClaiming()));
    await Promise.all(this.#made.map((each) => each.whenIdle()));
    await this.#close();
  }
}

const DEFAULTS: AttemptParts['options'] = {
  jobTimeoutMs: 60_000,
  stuckAfterMs: 10_000,
  retryPolicy: undefined,
  onError: undefined,
  onStuck: undefined,
};

/** Something that a test waits for, and lets happen. */
export class Gate {
  readonly passed: Promise<void>;
  open!: () => void;

  constructor() {
    this.passed = new Promise((resolve) => (this.open = resolve));
  }
}
