import { currentTime } from './clock.js';
import { indexedKey, type JobRecord, type QueueRecord } from './records.js';
import { SqlError, uniqueViolation } from './sql-error.js';

/** What one statement, savepoint or transaction has changed; null is a row that it deleted. */
interface Layer {
  readonly name: string;
  readonly jobs: Map<bigint, JobRecord | null>;
  readonly queues: Map<string, QueueRecord | null>;
  /** Ids of jobs, by the keys that they got in River's unique index. They may have left it since. */
  readonly keys: Map<string, bigint>;
  readonly locks: Set<string>;
}

/** Thrown by a statement that has to wait for the end of another transaction, and then to be run again. */
export class MustWait extends Error {
  constructor(readonly transaction: MemoryTransaction) {
    super('Another transaction that is open has changed the job. Let it end before.');
  }
}

/** River's tables in memory. What transactions have changed and not committed, they alone see. */
export class MemoryStore {
  readonly jobs = new Map<bigint, JobRecord>();
  readonly queues = new Map<string, QueueRecord>();
  /** As those of a {@link Layer}. */
  readonly keys = new Map<string, bigint>();
  readonly #open = new Set<MemoryTransaction>();
  readonly #watchers = new Set<(committed: readonly JobRecord[]) => void>();
  #lastId = 0n;

  begin(): MemoryTransaction {
    const transaction = new MemoryTransaction(this);
    this.#open.add(transaction);
    return transaction;
  }

  /** Ids are never taken back, as those of a sequence. */
  nextId(): bigint {
    return ++this.#lastId;
  }

  /** Calls `watcher` with the jobs that a transaction has stored or changed, once they are committed. */
  onCommit(watcher: (committed: readonly JobRecord[]) => void): void {
    this.#watchers.add(watcher);
  }

  /** Deletes everything. Transactions that are open keep what they have changed. */
  clear(): void {
    this.jobs.clear();
    this.queues.clear();
    this.keys.clear();
    this.#lastId = 0n;
  }

  others(transaction: MemoryTransaction): MemoryTransaction[] {
    return [...this.#open].filter((other) => other !== transaction);
  }

  /** @internal Called by the transaction, with what it commits, or nothing. */
  ended(transaction: MemoryTransaction, layer: Layer | undefined): void {
    this.#open.delete(transaction);
    if (layer === undefined) return;
    apply(this.jobs, layer.jobs);
    apply(this.queues, layer.queues);
    apply(this.keys, layer.keys);
    const committed = [...layer.jobs.values()].filter((job) => job !== null);
    for (const watcher of this.#watchers) watcher(committed);
  }
}

let transactions = 0;

/** A transaction, at READ COMMITTED: each statement sees what is committed when it begins. */
export class MemoryTransaction {
  readonly #store: MemoryStore;
  readonly #layers: Layer[] = [layer('')];
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  readonly xid = String(++transactions);
  /** When it began; `now()`. */
  readonly startedAt = currentTime();
  isReadOnly = false;
  isolation = 'read committed';
  waitsFor: MemoryTransaction | undefined;

  constructor(store: MemoryStore) {
    this.#store = store;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** The jobs that it sees, by their ids. */
  jobs(): JobRecord[] {
    return [...this.#seen().values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #seen(): Map<bigint, JobRecord> {
    const seen = new Map(this.#store.jobs);
    for (const { jobs } of this.#layers) apply(seen, jobs);
    return seen;
  }

  job(id: bigint): JobRecord | undefined {
    return read(
      this.#layers.map(({ jobs }) => jobs),
      id,
      this.#store.jobs,
    );
  }

  queue(name: string): QueueRecord | undefined {
    return read(
      this.#layers.map(({ queues }) => queues),
      name,
      this.#store.queues,
    );
  }

  queues(): QueueRecord[] {
    const seen = new Map(this.#store.queues);
    for (const { queues } of this.#layers) apply(seen, queues);
    return [...seen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The job that has this key in River's unique index. */
  holderOf(key: string): JobRecord | undefined {
    for (const { keys } of [...this.#layers.toReversed(), this.#store]) {
      const id = keys.get(key);
      const job = id === undefined ? undefined : this.job(id);
      if (job !== undefined && indexedKey(job) === key) return job;
    }
    return undefined;
  }

  /** @throws MustWait where another transaction has an equal key; SqlError 23505 */
  insertJob(fields: Omit<JobRecord, 'id'>): JobRecord {
    const job = { ...fields, id: this.#store.nextId() };
    this.#checkKey(job);
    this.#put(job);
    return job;
  }

  /** @throws MustWait, SqlError 23505 */
  updateJob(job: JobRecord, changes: Partial<JobRecord>): JobRecord {
    this.lockJob(job.id);
    const changed = { ...job, ...changes };
    if (indexedKey(changed) !== indexedKey(job)) this.#checkKey(changed);
    this.#put(changed);
    return changed;
  }

  deleteJob(id: bigint): void {
    this.lockJob(id);
    this.#write().jobs.set(id, null);
  }

  /** @throws MustWait while another transaction has changed it */
  lockJob(id: bigint): void {
    const holder = this.#store.others(this).find((other) => other.#hasChanged(id));
    if (holder !== undefined) throw new MustWait(holder);
  }

  /** Whether another transaction has changed it. */
  isLocked(id: bigint): boolean {
    return this.#store.others(this).some((other) => other.#hasChanged(id));
  }

  /** Takes the lock on a job until the end. */
  forUpdate(job: JobRecord): void {
    this.lockJob(job.id);
    this.#top.jobs.set(job.id, job);
  }

  setQueue(queue: QueueRecord): void {
    const isHeld = (other: MemoryTransaction): boolean =>
      other.#layers.some(({ queues }) => queues.has(queue.name));
    const holder = this.#store.others(this).find(isHeld);
    if (holder !== undefined) throw new MustWait(holder);
    this.#write().queues.set(queue.name, queue);
  }

  /** An advisory lock until the end. */
  lock(key: string): void {
    const isHeld = (other: MemoryTransaction): boolean =>
      other.#layers.some(({ locks }) => locks.has(key));
    const holder = this.#store.others(this).find(isHeld);
    if (holder !== undefined) throw new MustWait(holder);
    this.#top.locks.add(key);
  }

  /** What follows can be undone alone. */
  savepoint(name: string): void {
    this.#layers.push(layer(name));
  }

  /** @throws SqlError when the savepoint does not exist */
  release(name: string): void {
    const own = this.#layers.splice(this.#find(name));
    for (const each of own) merge(this.#top, each);
  }

  /** @throws SqlError when the savepoint does not exist */
  rollBackTo(name: string): void {
    this.#layers.splice(this.#find(name));
    this.savepoint(name);
  }

  commit(): void {
    const [all = layer(''), ...others] = this.#layers;
    for (const each of others) merge(all, each);
    this.#store.ended(this, all);
    this.#end();
  }

  rollBack(): void {
    this.#store.ended(this, undefined);
    this.#end();
  }

  #find(name: string): number {
    const at = this.#layers.findLastIndex((each) => each.name === name);
    if (at < 1) throw new SqlError('3B001', `savepoint "${name}" does not exist`);
    return at;
  }

  get #top(): Layer {
    return this.#layers.at(-1) as Layer;
  }

  #write(): Layer {
    if (this.isReadOnly) {
      throw new SqlError('25006', 'cannot execute INSERT in a read-only transaction');
    }
    return this.#top;
  }

  #put(job: JobRecord): void {
    const { jobs, keys } = this.#write();
    jobs.set(job.id, job);
    const key = indexedKey(job);
    if (key !== null) keys.set(key, job.id);
  }

  #hasChanged(id: bigint): boolean {
    return this.#layers.some(({ jobs }) => jobs.has(id));
  }

  #checkKey(job: JobRecord): void {
    const key = indexedKey(job);
    if (key === null) return;
    const holder = this.holderOf(key);
    const hasEqual = (other: MemoryTransaction): boolean =>
      other.#layers.some(({ jobs, keys }) => {
        const equal = jobs.get(keys.get(key) ?? -1n) ?? undefined;
        return equal !== undefined && equal.id !== job.id && indexedKey(equal) === key;
      });
    const other = this.#store.others(this).find(hasEqual);
    if (other !== undefined) throw new MustWait(other);
    if (holder !== undefined && holder.id !== job.id) throw uniqueViolation();
  }
}

function layer(name: string): Layer {
  return { name, jobs: new Map(), queues: new Map(), keys: new Map(), locks: new Set() };
}

function merge(into: Layer, from: Layer): void {
  for (const [id, job] of from.jobs) into.jobs.set(id, job);
  for (const [name, queue] of from.queues) into.queues.set(name, queue);
  for (const [key, id] of from.keys) into.keys.set(key, id);
  for (const key of from.locks) into.locks.add(key);
}

function apply<K, V>(rows: Map<K, V>, changes: Map<K, V | null>): void {
  for (const [key, row] of changes) {
    if (row === null) rows.delete(key);
    else rows.set(key, row);
  }
}

function read<K, Row>(
  changes: readonly ReadonlyMap<K, Row | null>[],
  key: K,
  committed: ReadonlyMap<K, Row>,
): Row | undefined {
  const changed = changes.findLast((rows) => rows.has(key));
  return changed === undefined ? committed.get(key) : (changed.get(key) ?? undefined);
}
