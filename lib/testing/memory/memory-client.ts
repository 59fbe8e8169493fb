import { EventEmitter } from 'node:events';
import { answer, type Answer } from './answer.js';
import { MustWait, type MemoryStore, type MemoryTransaction } from './memory-store.js';
import { SqlError } from './sql-error.js';
import { executeOf } from './statements.js';
import { unsupported } from './unsupported.js';

const IDENTIFIER =
  /^(SAVEPOINT|RELEASE SAVEPOINT|RELEASE|ROLLBACK TO SAVEPOINT|ROLLBACK TO) (\w+)$/i;
/** The name of what a single statement has changed. */
const STATEMENT = '\0statement';

type Callback = (error: unknown, result?: Answer) => void;

/** What is used of a query: a text, or the object form of `pg`. */
type Query = string | { readonly text?: unknown; readonly values?: readonly unknown[] };

/** Stands for a client of `pg`, on a {@link MemoryStore}: one statement after the other. */
export class MemoryClient extends EventEmitter {
  /** As `pg` says of its pipeline mode, which has no COPY either: `insertManyFast` then inserts in parts. */
  readonly pipeline = true;
  /** Its messages are those that a server would send. */
  readonly connection = new EventEmitter();
  readonly #store: MemoryStore;
  #transaction: MemoryTransaction | undefined;
  #hasFailed = false;
  #last: Promise<unknown> = Promise.resolve();
  /** Read as fields of `pg`'s own client. */
  _activeQuery: { readonly text: string } | null = null;
  _ending = false;

  constructor(store: MemoryStore) {
    super();
    this.#store = store;
  }

  /** The transaction that it is in. */
  get transaction(): MemoryTransaction | undefined {
    return this.#transaction;
  }

  getTransactionStatus(): 'I' | 'T' | 'E' {
    if (this.#transaction === undefined) return 'I';
    return this.#hasFailed ? 'E' : 'T';
  }

  /** Begins a transaction at once. */
  begin(): void {
    this.#begin('START TRANSACTION');
  }

  query(query: Query, second?: unknown, third?: unknown): Promise<Answer> | undefined {
    const callback = [second, third].find((each) => typeof each === 'function');
    const given = typeof query === 'string' ? { text: query, values: undefined } : query;
    const values = given.values ?? (Array.isArray(second) ? (second as unknown[]) : []);
    const run = (): Promise<Answer> => this.#run(given.text, values);
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => undefined);
    if (callback === undefined) return result;
    const call = callback as Callback;
    void result.then(
      (rows) => call(null, rows),
      (error: unknown) => call(error),
    );
    return undefined;
  }

  /** Closes the connection: what it was in is rolled back. */
  end(): Promise<void> {
    this._ending = true;
    this.#end('ROLLBACK');
    return Promise.resolve();
  }

  async #run(text: unknown, values: readonly unknown[]): Promise<Answer> {
    if (typeof text !== 'string') throw unsupported('COPY, or a stream,');
    if (this._ending) throw new Error('Client was closed and is not queryable');
    this._activeQuery = { text };
    try {
      const result = this.#control(text.trim()) ?? (await this.#execute(text, values));
      this.connection.emit('commandComplete', { text: result.command });
      return result;
    } catch (error) {
      this.#hasFailed = this.#transaction !== undefined;
      throw error;
    } finally {
      this.connection.emit('readyForQuery', { status: this.getTransactionStatus() });
      this._activeQuery = null;
    }
  }

  /** Statements on the transaction itself. */
  #control(text: string): Answer | undefined {
    if (/^(BEGIN|START TRANSACTION)\b[^;]*$/i.test(text)) return this.#begin(text);
    if (/^(COMMIT|END)$/i.test(text)) return this.#end(this.#hasFailed ? 'ROLLBACK' : 'COMMIT');
    if (/^(ROLLBACK|ABORT)$/i.test(text)) return this.#end('ROLLBACK');
    if (/^SET TRANSACTION /i.test(text)) return this.#set(text);
    const [, verb = '', name = ''] = IDENTIFIER.exec(text) ?? [];
    return verb === '' ? undefined : this.#savepoint(verb.toUpperCase(), name);
  }

  #begin(text: string): Answer {
    // As Postgres, which only warns.
    this.#transaction ??= this.#store.begin();
    this.#set(text);
    return answer(/^begin/i.test(text) ? 'BEGIN' : 'START TRANSACTION');
  }

  #set(text: string): Answer {
    const transaction = this.#transaction;
    const level = /ISOLATION LEVEL (\w+(?: (?:READ|COMMITTED|UNCOMMITTED))?)/i.exec(text)?.[1];
    if (transaction !== undefined && level !== undefined)
      transaction.isolation = level.toLowerCase();
    if (transaction !== undefined && /READ ONLY/i.test(text)) transaction.isReadOnly = true;
    return answer('SET');
  }

  #end(command: 'COMMIT' | 'ROLLBACK'): Answer {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    this.#hasFailed = false;
    if (command === 'COMMIT') transaction?.commit();
    else transaction?.rollBack();
    return answer(command);
  }

  #savepoint(verb: string, name: string): Answer {
    const transaction = this.#transaction;
    if (transaction === undefined) {
      throw new SqlError('25P01', `${verb} can only be used in transaction blocks`);
    }
    if (verb.startsWith('ROLLBACK')) {
      transaction.rollBackTo(name);
      this.#hasFailed = false;
      return answer('ROLLBACK');
    }
    if (this.#hasFailed) throw failedTransaction();
    if (verb === 'SAVEPOINT') transaction.savepoint(name);
    else transaction.release(name);
    return answer(verb === 'SAVEPOINT' ? 'SAVEPOINT' : 'RELEASE');
  }

  async #execute(text: string, values: readonly unknown[]): Promise<Answer> {
    if (this.#hasFailed) throw failedTransaction();
    const execute = executeOf(text);
    if (execute === undefined) throw unsupported(`SQL other than River's`);
    const transaction = this.#transaction ?? this.#store.begin();
    try {
      const result = await untilDone(transaction, () => execute(transaction, values, text));
      if (this.#transaction === undefined) transaction.commit();
      return result;
    } catch (error) {
      if (this.#transaction === undefined) transaction.rollBack();
      throw error;
    }
  }
}

/** Runs a statement, again after each wait for another transaction; what fails changes nothing. */
async function untilDone(transaction: MemoryTransaction, run: () => Answer): Promise<Answer> {
  for (;;) {
    transaction.savepoint(STATEMENT);
    try {
      const result = run();
      transaction.release(STATEMENT);
      return result;
    } catch (error) {
      transaction.rollBackTo(STATEMENT);
      transaction.release(STATEMENT);
      if (!(error instanceof MustWait)) throw error;
      await waitFor(transaction, error.transaction);
    }
  }
}

async function waitFor(waiting: MemoryTransaction, holder: MemoryTransaction): Promise<void> {
  for (let each: MemoryTransaction | undefined = holder; each !== undefined; each = each.waitsFor) {
    if (each === waiting) throw new SqlError('40P01', 'deadlock detected');
  }
  waiting.waitsFor = holder;
  await holder.ended;
  waiting.waitsFor = undefined;
}

function failedTransaction(): SqlError {
  return new SqlError(
    '25P02',
    'current transaction is aborted, commands ignored until end of transaction block',
  );
}
