import { AttemptCancelledError, type WorkerStoppingError } from '../../errors/worker-errors.js';
import { ClaimStatements } from '../../postgres/worker/claim-statement.js';
import { Attempt, type AttemptParts } from '../attempt/attempt.js';
import { AttemptJob } from '../attempt/attempt-job.js';
import type { Handler } from '../attempt/handler.js';
import { inOwnContext } from '../own-context.js';
import type { WorkerCore } from '../worker-core.js';
import type { ResolvedQueueOptions } from '../worker-options.js';
import type { ControlEvent } from './control-event.js';
import { FetchPace } from './fetch-pace.js';
import type { KindLimits, TakenRoom } from './kind-limits.js';
import { QueueWatch } from './queue-watch.js';

/** How a queue is worked. */
export interface ProducerOptions {
  readonly queue: string;
  readonly options: ResolvedQueueOptions;
  readonly parts: AttemptParts;
  readonly limits: KindLimits;
  /** Resolves when there is room for the outcomes of more jobs. */
  readonly whenRoom: () => Promise<void>;
  /** Whether somebody listens to notifications for this worker. */
  readonly listens: boolean;
}

/** Claims the jobs of one queue and works them. */
export class Producer {
  readonly queue: string;
  readonly maxWorkers: number;
  readonly #core: WorkerCore;
  readonly #options: ProducerOptions;
  readonly #statements: ClaimStatements;
  readonly #pace: FetchPace;
  readonly #watch: QueueWatch;
  readonly #running = new Map<string, Attempt>();
  /** Slots taken: attempts that are stuck may have given up theirs. */
  #taken = 0;
  #isPaused = false;
  #isStopping = false;
  /** Aborts jobs that the last claim finds after the others were aborted. */
  #stopReason: WorkerStoppingError | undefined;
  /** Pauses and resumptions that were notified of. */
  #heard = 0;
  /** Whether a freed slot is a reason to claim: the claim before came back full, or found no slot. */
  #wantsSlots = false;
  #claiming: Promise<void> | undefined;
  /** Jobs that the claim under way has found. */
  #found = 0;
  #wokenMeanwhile = false;
  #insertedMeanwhile = false;
  /** Whether a kind that was at its limit had room again while a claim was under way. */
  #roomMeanwhile = false;
  /** Jobs that were cancelled while a claim was under way. */
  readonly #cancelledMeanwhile = new Set<string>();
  #onIdle: (() => void)[] = [];

  constructor(core: WorkerCore, options: ProducerOptions) {
    this.#core = core;
    this.#options = options;
    this.queue = options.queue;
    this.maxWorkers = options.options.maxWorkers;
    this.#statements = new ClaimStatements(core.schema);
    this.#pace = new FetchPace(options.options, () => inOwnContext(() => this.#claim()));
    this.#watch = new QueueWatch(core, {
      queue: options.queue,
      listens: options.listens,
      running: () => [...this.#running.keys()],
      heard: () => this.#heard,
      onPaused: (isPaused) => this.#setPaused(isPaused),
      onCancelled: (id) => this.#cancel(id),
    });
  }

  /** How many jobs are under way. */
  get running(): number {
    return this.#running.size;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * Makes or touches the row of the queue, and begins to claim.
   *
   * @throws DatabaseError
   */
  async start(): Promise<void> {
    await inOwnContext(async () => {
      await this.#watch.start();
      if (this.#isStopping) return this.#watch.stop();
      if (!this.#isPaused) this.#pace.triggerNow();
    });
  }

  /** A client has notified of a job inserted into the queue. It may be claimed already. */
  wake(): void {
    inOwnContext(() => this.#trigger());
  }

  /** A job was inserted into the queue by this process. */
  inserted(): void {
    if (this.#isPaused || this.#isStopping) return;
    if (this.#claiming !== undefined) this.#insertedMeanwhile = true;
    else inOwnContext(() => this.#pace.triggerNow());
  }

  /** What a client has sent to the workers. */
  control(event: ControlEvent): void {
    const isForAll = event.queue === '*' && event.action !== 'cancel';
    if (event.queue !== this.queue && !isForAll) return;
    if (event.action === 'cancel') this.#cancel(event.jobId);
    else {
      this.#heard++;
      this.#setPaused(event.action === 'pause');
    }
  }

  /** Notifications may have been missed. */
  catchUp(): void {
    this.wake();
    inOwnContext(() => this.#watch.catchUp());
  }

  /** Claims nothing more. A claim under way is finished, and its jobs are worked. */
  async stopClaiming(): Promise<void> {
    this.#isStopping = true;
    this.#pace.stop();
    await this.#claiming;
  }

  /** Aborts the signals of all attempts under way, and of those that a claim under way finds. */
  abortAll(reason: WorkerStoppingError): void {
    this.#stopReason = reason;
    for (const attempt of this.#running.values()) attempt.abort('stop', reason);
  }

  /** Resolves when nothing is under way any more. To be called after {@link stopClaiming}. */
  async whenIdle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.leave();
  }

  /** Leaves what is still under way to itself: nothing is done for it any more. */
  leave(): void {
    this.#watch.stop();
    this.#options.limits.forget(this.#onRoom);
    for (const attempt of this.#running.values()) attempt.leave();
  }

  get #freeSlots(): number {
    return this.maxWorkers - this.#taken;
  }

  #trigger(): void {
    if (this.#claiming !== undefined) this.#wokenMeanwhile = true;
    if (!this.#isPaused && !this.#isStopping) this.#pace.trigger();
  }

  #setPaused(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#pace.stop();
    else inOwnContext(() => this.#trigger());
  }

  #cancel(id: string): void {
    this.#running.get(id)?.abort('cancel', new AttemptCancelledError());
    if (this.#claiming !== undefined) this.#cancelledMeanwhile.add(id);
  }

  #claim(): void {
    if (this.#claiming !== undefined || this.#isPaused || this.#isStopping) return;
    if (this.#freeSlots <= 0) {
      this.#wantsSlots = true;
      this.#pace.claimed(false);
      return;
    }
    this.#wantsSlots = false;
    this.#found = 0;
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined;
      this.#cancelledMeanwhile.clear();
      if (this.#isPaused || this.#isStopping) return;
      this.#pace.claimed(this.#found > 0);
      // What was inserted while the claim was under way may not have been seen by it.
      if (this.#insertedMeanwhile || this.#roomMeanwhile) this.#pace.triggerNow();
      else if (this.#wokenMeanwhile) this.#pace.trigger();
      this.#wokenMeanwhile = this.#insertedMeanwhile = this.#roomMeanwhile = false;
      if (this.#wantsSlots && this.#freeSlots > 0) this.#pace.triggerNow();
    });
  }

  async #claimAll(): Promise<void> {
    const { whenRoom, limits } = this.#options;
    await whenRoom();
    if (this.#isPaused || this.#isStopping) return;
    const most = this.#freeSlots;
    const room = limits.take(most, this.#onRoom);
    try {
      if (room.shares.length > 0) await this.#claimOf(room, most);
    } catch (error) {
      this.#core.outages.failed('Claiming jobs', error);
    } finally {
      room.end();
    }
  }

  async #claimOf(room: TakenRoom, most: number): Promise<void> {
    const { connection, clientId } = this.#core;
    const { queue } = this;
    const { shares } = room;
    const rows = await this.#statements.run(connection, { queue, clientId, most, shares });
    this.#core.outages.succeeded();
    this.#found = rows.length;
    // What came back full may have more behind it.
    if (rows.length >= most) this.#wantsSlots = true;
    for (const row of rows) {
      const job = new AttemptJob(row, { queue, clientId });
      this.#begin(job, room.use(job.kind));
    }
  }

  #begin(job: AttemptJob, limited: Handler | undefined): void {
    const { parts, limits } = this.#options;
    this.#taken++;
    const attempt = new Attempt(job, parts, {
      onFree: () => {
        this.#taken--;
        if (limited !== undefined) limits.ended(limited);
        this.#slotFreed();
      },
      onDone: () => this.#done(job.id, attempt),
    });
    this.#running.set(job.id, attempt);
    if (this.#cancelledMeanwhile.has(job.id)) attempt.abort('cancel', new AttemptCancelledError());
    if (this.#stopReason !== undefined) attempt.abort('stop', this.#stopReason);
    void attempt.run();
  }

  /** A kind that was at its limit has room again. */
  readonly #onRoom = (): void => {
    if (this.#claiming !== undefined) this.#roomMeanwhile = true;
    else if (!this.#isPaused && !this.#isStopping) this.#pace.triggerNow();
  };

  #slotFreed(): void {
    if (this.#wantsSlots && this.#claiming === undefined && !this.#isPaused && !this.#isStopping)
      this.#pace.triggerNow();
  }

  #done(id: string, attempt: Attempt): void {
    // A job may have been claimed here anew before its outcome was known to be stored.
    if (this.#running.get(id) === attempt) this.#running.delete(id);
    if (this.#running.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
