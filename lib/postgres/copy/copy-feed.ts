import type { InsertParams } from '../../insert/insert-params.js';
import { CopyFormat } from './copy-format.js';
import type { DatabaseTime } from '../connection/database-time.js';
import { nextTurn } from '../../real-time.js';

/** Where the jobs of a bulk insert come from. */
export interface JobSource {
  /**
   * Hands jobs to `take`, one after the other, until it answers false.
   *
   * @returns false once there are no more
   */
  read(take: (job: InsertParams) => boolean): Promise<boolean>;
  /** Lets go of what the jobs come from. */
  close(): Promise<void>;
}

/** Told how many jobs have been sent so far. */
export type CopyProgress = (jobs: number) => unknown;

/** A chunk's: few enough for little memory, enough that sending costs next to nothing. */
const CHUNK_BYTES = 64 * 1024;

/** Reads jobs in portions, each when the one before has been sent. */
export class CopyFeed {
  readonly #source: JobSource;
  readonly #onProgress: CopyProgress | undefined;
  readonly #format = new CopyFormat();
  #hasMore = true;
  #isWaiting = false;
  #jobs = 0;
  /** The queues of jobs that can be worked at once, in order of first appearance. */
  readonly queues = new Set<string>();

  constructor(source: JobSource, onProgress: CopyProgress | undefined) {
    this.#source = source;
    this.#onProgress = onProgress;
  }

  /** How many jobs have been read. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Whether the next job, or what `onProgress` returned, is being waited for. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Reads the next jobs, for {@link rows}; false after the last. */
  async fill(): Promise<boolean> {
    const before = this.#jobs;
    await this.#read((job) => {
      this.#format.write(job);
      return this.#format.length < CHUNK_BYTES;
    });
    return this.#jobs > before;
  }

  /** The jobs read by {@link fill} as rows for COPY. */
  rows(now: DatabaseTime): Buffer {
    return this.#format.take(now);
  }

  /** The next jobs, at most as many; none after the last. */
  async batch(size: number): Promise<InsertParams[]> {
    const jobs: InsertParams[] = [];
    await this.#read((job) => jobs.push(job) < size);
    return jobs;
  }

  async #read(put: (job: InsertParams) => boolean): Promise<void> {
    this.#isWaiting = true;
    try {
      if (this.#jobs > 0) await this.#onProgress?.(this.#jobs);
      if (!this.#hasMore) return;
      // Items that need no waiting for would keep everything else in the process from its turn.
      await nextTurn();
      this.#hasMore = await this.#source.read((job) => {
        this.#jobs++;
        if (job.state === 'available') this.queues.add(job.queue);
        return put(job);
      });
    } finally {
      this.#isWaiting = false;
    }
  }
}
