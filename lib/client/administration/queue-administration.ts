import { checkText } from '../../admin/check-params.js';
import {
  checkQueueListParams,
  checkQueueUpdateParams,
  type Queue,
  type QueueListParams,
  type QueueListResult,
  type QueueUpdateParams,
} from '../../admin/queue.js';
import {
  checkQueueStatsParams,
  type QueueStats,
  type QueueStatsParams,
} from '../../admin/queue-stats.js';
import { QueueNotFoundError } from '../../errors/administration-errors.js';
import { isQueueName } from '../../insert/options/insert-limits.js';
import { decodeQueue } from '../../postgres/rows/queue-columns.js';
import {
  queueStatements,
  type QueueStatements,
} from '../../postgres/administration/queue-statements.js';
import {
  decodeQueueStats,
  queueStatsStatement,
} from '../../postgres/administration/queue-stats-statement.js';
import type { SchemaName } from '../../postgres/connection/schema-name.js';
import type { Transaction } from '../../transaction/explicit-transaction.js';
import type { ClientConnections } from '../../transaction/client-connections.js';

/** A call about the queue of a name. */
interface OneQueue {
  readonly what: string;
  readonly named?: readonly [tx: unknown];
  readonly name: string;
}

/** Names all queues in `queuePause` and `queueResume`. */
const ALL_QUEUES = '*';

/** Reads, pauses and resumes queues, as River's Go client. */
export class QueueAdministration {
  readonly #connections: ClientConnections;
  readonly #schema: SchemaName;
  readonly #statements: QueueStatements;

  /** @internal RiverModule makes the client; inject it. */
  constructor(connections: ClientConnections, schema: SchemaName) {
    this.#connections = connections;
    this.#schema = schema;
    this.#statements = queueStatements(schema);
  }

  /**
   * Reads a queue. Queues are announced by their workers: one that no worker has worked yet is not
   * there, whether or not there are jobs in it.
   *
   * @throws QueueNotFoundError; InvalidParamsError; DatabaseError
   */
  queueGet(name: string): Promise<Queue> {
    return this.#get({ what: 'queueGet', name });
  }

  /** {@link queueGet} in the transaction given. */
  queueGetTx(tx: Transaction, name: string): Promise<Queue> {
    return this.#get({ what: 'queueGetTx', named: [tx], name });
  }

  /**
   * Lists queues by their names, a hundred unless `first` says otherwise.
   *
   * @throws InvalidParamsError; DatabaseError
   */
  queueList(params: QueueListParams = {}): Promise<QueueListResult> {
    return this.#list({ what: 'queueList' }, params);
  }

  /** {@link queueList} in the transaction given. */
  queueListTx(tx: Transaction, params: QueueListParams = {}): Promise<QueueListResult> {
    return this.#list({ what: 'queueListTx', named: [tx] }, params);
  }

  /**
   * Pauses a queue, or all of them by `'*'`: its workers, told by a notification, finish what they
   * have and take no more jobs. One that is paused already keeps the time since when.
   *
   * A queue that no worker has announced yet is also paused: its row is stored, and a worker that
   * starts finds it. River deletes the row if no worker announces the queue within a day, and the
   * pause with it. `'*'` pauses the queues that have a row.
   *
   * @throws QueueNotFoundError when no worker can have a queue of this name;
   *   InvalidParamsError; DatabaseError
   * @example await river.queuePause('mail');
   */
  queuePause(name: string): Promise<void> {
    return this.#turn('pause', { what: 'queuePause', name });
  }

  /** {@link queuePause} in the transaction given. */
  queuePauseTx(tx: Transaction, name: string): Promise<void> {
    return this.#turn('pause', { what: 'queuePauseTx', named: [tx], name });
  }

  /**
   * Lets the workers of a queue, or of all of them by `'*'`, take jobs again.
   *
   * @throws QueueNotFoundError, never for `'*'`; InvalidParamsError; DatabaseError
   */
  queueResume(name: string): Promise<void> {
    return this.#turn('resume', { what: 'queueResume', name });
  }

  /** {@link queueResume} in the transaction given. */
  queueResumeTx(tx: Transaction, name: string): Promise<void> {
    return this.#turn('resume', { what: 'queueResumeTx', named: [tx], name });
  }

  /**
   * Replaces the metadata of a queue, and tells its workers.
   *
   * @returns the queue, changed
   * @throws QueueNotFoundError; InvalidParamsError; DatabaseError
   */
  queueUpdate(name: string, params: QueueUpdateParams): Promise<Queue> {
    return this.#update({ what: 'queueUpdate', name }, params);
  }

  /** {@link queueUpdate} in the transaction given. */
  queueUpdateTx(tx: Transaction, name: string, params: QueueUpdateParams): Promise<Queue> {
    return this.#update({ what: 'queueUpdateTx', named: [tx], name }, params);
  }

  /**
   * How every queue is doing that has been announced by a worker, or that has jobs which are not done:
   * how many in which state, how long the oldest waits, whether it is paused. One query, which reads
   * the index entries of those jobs alone, so that it is cheap however many are done.
   *
   * @throws InvalidParamsError; DatabaseError
   * @example
   * for (const { name, counts, oldestAvailableAgeMs } of await river.queueStats()) gauge(name, counts);
   */
  queueStats(params: QueueStatsParams = {}): Promise<QueueStats[]> {
    return this.#connections.begin({
      what: 'queueStats',
      prepare: () => checkQueueStatsParams(params),
      run: async (checked, { connection }) => {
        const rows = await connection.run(queueStatsStatement(this.#schema, checked), []);
        return rows.map((row) => decodeQueueStats(row, checked));
      },
    });
  }

  #get({ what, named, name }: OneQueue): Promise<Queue> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => checkText(name, 'name'),
      run: async (checked, { connection }) => {
        const [row] = await connection.run(this.#statements.get, [checked]);
        if (row === undefined) throw new QueueNotFoundError(checked);
        return decodeQueue(row);
      },
    });
  }

  #list({ what, named }: Omit<OneQueue, 'name'>, params: unknown): Promise<QueueListResult> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => checkQueueListParams(params),
      run: async ({ first }, { connection }) => {
        const rows = await connection.run(this.#statements.list, [first]);
        return { queues: rows.map(decodeQueue) };
      },
    });
  }

  #turn(action: 'pause' | 'resume', { what, named, name }: OneQueue): Promise<void> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => checkText(name, 'name'),
      run: async (queue, { connection }) => {
        const payload = JSON.stringify({ action, queue });
        const [row] = await connection.run(this.#statements[action], [queue, payload]);
        if (row?.['found'] !== '0' || queue === ALL_QUEUES) return;
        if (action === 'resume' || !isQueueName(queue)) throw new QueueNotFoundError(queue);
        await connection.run(this.#statements.pauseUnannounced, [queue, payload]);
      },
    });
  }

  #update({ what, named, name }: OneQueue, params: unknown): Promise<Queue> {
    return this.#connections.begin({
      what,
      named,
      prepare: () => {
        const queue = checkText(name, 'name');
        return { queue, ...checkQueueUpdateParams(queue, params) };
      },
      run: async ({ queue, metadata, payload }, { connection }) => {
        const [row] = await connection.run(this.#statements.update, [queue, metadata, payload]);
        if (row === undefined) throw new QueueNotFoundError(queue);
        return decodeQueue(row);
      },
    });
  }
}
