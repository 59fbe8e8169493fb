import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { RiverClient } from '../client/river-client.js';
import {
  ambientTransactionOf,
  type TransactionSource,
} from '../transaction/context/ambient-transaction.js';
import { dataSourceOf } from '../transaction/explicit-transaction.js';
import { notInTransaction } from '../transaction/foreign-transaction.js';
import type { TransactionWork } from '../transaction/river-transaction.js';
import { ApplicationJoin, type Begin } from './application-join.js';
import { begunQueryRunner } from './memory/memory-data-source.js';
import { forgetReader, readBy } from './fake-readers.js';
import { ENDS, follow, settle } from './stand-in-ends.js';
import { hasMethod, isGenuine, isLikeManager, isManager, runnerOf } from './transaction-shapes.js';
import { originalMethod, watchQueryRunners, wrapTransaction } from './mocked-methods.js';

/** What opens a transaction for the code of the application. */
interface Opener {
  run<T>(options: { propagation: 'NESTED' }, work: TransactionWork<T>): Promise<T>;
}

/** Methods of the application that are ours for the time being, with what they were. */
const ORIGINAL = Symbol('nestjs-river.original');

/**
 * Keeps transactions of the application's own data source, which may be SQLite or a mock, and those of
 * River's tables in memory together: `RiverTransaction` opens both, and whoever begins one of the
 * application's by TypeORM takes the other along.
 */
export class ApplicationTransactions {
  readonly #memory: DataSource;
  readonly #application: DataSource | undefined;
  readonly #standIns = new WeakMap<object, QueryRunner>();
  /** Scopes, and stand-ins, in memory whose work already runs in a transaction of the application. */
  readonly #entered = new WeakSet();
  /** Absent for mocks, and where repositories join nothing in production either. */
  readonly #join: ApplicationJoin | undefined;
  /** Callbacks that a mock calls in a transaction of its own, with the manager that it gives them. */
  readonly #begun = new WeakMap<object, EntityManager | undefined>();
  /** By the managers of query runners that are mocks. */
  readonly #mockedRunners = new WeakMap<object, QueryRunner>();
  #unwrap: (() => void)[] = [];
  #opener: Opener | undefined;

  /** @param joins the module's option `joinRepositories` */
  constructor(memory: DataSource, application: DataSource | undefined, joins: boolean) {
    this.#memory = memory;
    this.#application = application;
    if (joins && isGenuine(application)) this.#join = new ApplicationJoin(application);
  }

  /** Lets repositories of the application, and its own `transaction()`, take part. */
  join(opener: Opener): void {
    if (this.#opener !== undefined) return;
    this.#opener = opener;
    const application = this.#application;
    if (application === undefined) return;
    if (!isGenuine(application)) return this.#wrap(application, opener);
    if (this.#join === undefined) return;
    this.#join.install((work) => opener.run({ propagation: 'NESTED' }, work));
    this.#takeOver(application.manager);
  }

  /** Lets `requireInserted` of what the application has read the jobs of a client. */
  showTo(client: RiverClient): void {
    if (this.#application !== undefined) readBy(this.#application, client);
  }

  /** The application's data source is its own again. */
  leave(): void {
    const application = this.#application;
    if (application === undefined) return;
    forgetReader(application);
    for (const undo of this.#unwrap.splice(0)) undo();
    if (this.#opener === undefined || !isGenuine(application)) return;
    this.#opener = undefined;
    this.#join?.uninstall();
    if (Object.hasOwn(application.manager, 'transaction'))
      delete (application.manager as Partial<EntityManager>).transaction;
  }

  /** Runs work of a transaction in memory in one of the application, too. */
  async enter<T>(manager: EntityManager, work: TransactionWork<T>): Promise<T> {
    const application = this.#application;
    const scope = ambientTransactionOf(this.#memory, { lenient: true });
    if (application === undefined) return await work(manager);
    if (scope === undefined) return await work(application.manager ?? manager);
    if (this.#entered.has(scope) || this.#entered.has(scope.queryRunner))
      return await work(manager);
    this.#entered.add(scope);
    const isNested = manager.queryRunner !== scope.queryRunner;
    const otherwise = isNested ? manager : (application.manager ?? manager);
    return await called(
      this.#begun.has(work) ? undefined : isNested ? beginOn(manager) : this.#beginOn(application),
      this.#begun.get(work) ?? otherwise,
      async (own) => {
        if (!isNested) Object.defineProperty(scope.queryRunner, 'manager', { value: own });
        for (const each of [own, own.queryRunner]) {
          if (each) this.#standIns.set(each, scope.queryRunner);
        }
        if (isGenuine(application)) this.#takeOver(own);
        const result = await this.inside(own.queryRunner, () => work(own));
        await settle(scope);
        return result;
      },
    );
  }

  /** Runs `work`, whose repositories join the transaction on a query runner of the application. */
  inside<T>(queryRunner: QueryRunner | undefined, work: () => T): T {
    if (this.#join === undefined || queryRunner === undefined) return work();
    return this.#join.inside(queryRunner, work);
  }

  /** Runs `work`, whose repositories join nothing. */
  outside<T>(work: () => T): T {
    return this.#join === undefined ? work() : this.#join.outside(work);
  }

  #beginOn(application: DataSource): Begin | undefined {
    const begin = beginOn(application);
    const join = this.#join;
    return begin && join ? (work) => join.begin(begin, work) : begin;
  }

  /** Whether a `tx` is of the application, and has to be replaced by what stands for it in memory. */
  isOfApplication(tx: unknown): tx is object {
    // Mocks may be functions.
    if (Object(tx) !== tx || 'getTransactionStatus' in (tx as object)) return false;
    const runner = runnerOf(tx as object);
    if (runner !== undefined) return dataSourceOf(runner) !== this.#memory;
    return isLikeManager(tx as object);
  }

  /** Whether a `tx` is a mock of an entity manager or a query runner. */
  isMock(tx: object): boolean {
    return !isGenuine(dataSourceOf((runnerOf(tx) ?? tx) as QueryRunner));
  }

  /**
   * The query runner in memory that stands for the transaction of a `tx` of the application, and ends
   * with it. undefined for a mock of an entity manager, of whose end nobody hears.
   *
   * @throws NotInTransactionError
   */
  standIn(tx: object): QueryRunner | undefined {
    const runner = this.#mockedRunners.get(tx) ?? runnerOf(tx);
    const isMock = this.isMock(tx);
    if (isMock && (runner === undefined || isManager(runner))) {
      const ambient = ambientTransactionOf(this.#memory, { lenient: true });
      if (ambient?.isOpen === true) return ambient.queryRunner;
    }
    for (const known of [this.#standIns.get(tx), runner && this.#standIns.get(runner)]) {
      if (known?.isTransactionActive) return known;
    }
    if (runner === undefined) {
      if (isMock) return undefined;
      throw notInTransaction('the entity manager');
    }
    if (runner.isTransactionActive === false) throw notInTransaction('the query runner');
    if (isMock && isManager(runner)) return undefined;
    const { transactionDepth = 1 } = runner as { transactionDepth?: number };
    const standIn = begunQueryRunner(this.#memory, Number(transactionDepth) || 1);
    this.#standIns.set(runner, standIn);
    follow(runner, standIn);
    if (runner.manager) Object.defineProperty(standIn, 'manager', { value: runner.manager });
    this.#entered.add(standIn);
    return standIn;
  }

  /**
   * What stands for the transaction that the running code is in: of TypeORM's own, or one that the
   * application or another package names by `source`.
   */
  current(source: TransactionSource | undefined): QueryRunner | EntityManager | undefined {
    const own = this.#join?.queryRunner;
    if (own !== undefined) return this.standIn(own);
    return this.named(source?.(this.#application ?? this.#memory));
  }

  named<T extends QueryRunner | EntityManager>(found: T | undefined): T | QueryRunner | undefined {
    if (!this.isOfApplication(found)) return found;
    const runner = runnerOf(found);
    const isOpen = runner?.isTransactionActive !== false && runner?.isReleased !== true;
    return (isOpen ? this.standIn(found) : undefined) ?? this.#memory.createQueryRunner();
  }

  /** What a mock runs, by `transaction(work)` or between the calls of a query runner, takes the jobs along. */
  #wrap(application: DataSource, opener: Opener): void {
    const around = (
      given: EntityManager | undefined,
      work: TransactionWork<unknown>,
    ): Promise<unknown> => {
      const begun: TransactionWork<unknown> = () => work(given as EntityManager);
      this.#begun.set(begun, given);
      return opener.run({ propagation: 'NESTED' }, begun);
    };
    this.#unwrap = [
      wrapTransaction(application, around),
      wrapTransaction(application.manager, around),
      watchQueryRunners(application, (runner) => {
        const canFollow = ENDS.every((name) => hasMethod(runner, name));
        if (canFollow && Object(runner.manager) === runner.manager)
          this.#mockedRunners.set(runner.manager, runner);
      }),
    ];
  }

  #takeOver(manager: EntityManager): void {
    const original = originalOf(manager);
    const transaction = Object.assign(
      (...args: unknown[]): unknown => {
        const work = args.find((each) => typeof each === 'function') as TransactionWork<unknown>;
        return this.#opener?.run({ propagation: 'NESTED' }, work);
      },
      { [ORIGINAL]: original },
    );
    Object.assign(manager, { transaction });
  }
}

function originalOf(manager: EntityManager): Begin {
  const { transaction } = manager as unknown as { transaction: Begin & { [ORIGINAL]?: Begin } };
  return transaction[ORIGINAL] ?? originalMethod(transaction).bind(manager);
}

/** What begins a transaction; of a data source, its manager's, since its own goes through that. */
function beginOn(target: DataSource | EntityManager): Begin | undefined {
  if (isGenuine(target)) return originalOf(target.manager);
  return typeof target.transaction === 'function' ? originalOf(target) : undefined;
}

/** Runs `work` by `begin`; where that is a mock that calls nothing, at once. */
async function called<T>(
  begin: Begin | undefined,
  otherwise: EntityManager,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  let result: Promise<T> | undefined;
  await begin?.((manager) => (result = work(manager ?? otherwise)));
  return await (result ?? work(otherwise));
}
