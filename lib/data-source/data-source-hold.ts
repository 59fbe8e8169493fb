import type { DataSource, QueryRunner } from 'typeorm';
import { closeConnecting } from '../postgres/driver/connecting-clients.js';
import type { ActiveWork } from '../transaction/engine/active-work.js';
import { defineOwn } from '../transaction/engine/define-own.js';
import { scopeOf } from '../transaction/statements/scope-of.js';

/**
 * Keeps a data source open, whoever destroys it and in whichever order the modules of the application
 * end, until the client's work has ended.
 *
 * @returns undoes it
 */
export function holdOpen(dataSource: DataSource, activeWork: ActiveWork): () => void {
  const hold = DataSourceHold.of(dataSource);
  const undo = [
    hold.add(() => activeWork.close()),
    activeWork.whenCut(() => closeConnecting(dataSource)),
    activeWork.openWith(hold),
  ];
  return () => {
    for (const step of undo.reverse()) step();
  };
}

const holds = new WeakMap<DataSource, DataSourceHold>();

/** Keeps one data source open until the clients on it have closed, whoever destroys it. */
class DataSourceHold {
  readonly #dataSource: DataSource;
  readonly #closes = new Set<() => Promise<void>>();
  readonly #undo: () => void;
  #destroying = 0;

  private constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
    const destroy = dataSource.destroy.bind(dataSource);
    const value = async (): Promise<void> => {
      this.#destroying++;
      try {
        await Promise.all([...this.#closes].map((close) => close()));
        releaseRunners(dataSource);
        await destroy();
      } finally {
        this.#destroying--;
      }
    };
    this.#undo = defineOwn(dataSource, 'destroy', { value, writable: true });
  }

  static of(dataSource: DataSource): DataSourceHold {
    let hold = holds.get(dataSource);
    if (hold === undefined) holds.set(dataSource, (hold = new DataSourceHold(dataSource)));
    return hold;
  }

  /** Whether statements can be sent: it is neither destroyed nor about to be. */
  get isOpen(): boolean {
    return this.#destroying === 0 && this.#dataSource.isInitialized;
  }

  /**
   * Adds a client, by what closes it.
   *
   * @returns undoes it
   */
  add(close: () => Promise<void>): () => void {
    this.#closes.add(close);
    return () => {
      this.#closes.delete(close);
      if (this.#closes.size > 0 || holds.get(this.#dataSource) !== this) return;
      this.#undo();
      holds.delete(this.#dataSource);
    };
  }
}

/**
 * Lets TypeORM release the runners of transactions that did not end in time. It calls `release()` of
 * the first connected runner until that is no longer connected; that of ours has no effect while a
 * transaction is open, so the loop would never end.
 */
function releaseRunners({ driver }: DataSource): void {
  const { connectedQueryRunners = [] } = driver as unknown as {
    readonly connectedQueryRunners?: readonly QueryRunner[];
  };
  for (const runner of connectedQueryRunners) {
    if (scopeOf(runner) !== undefined) Reflect.deleteProperty(runner, 'release');
  }
}
