import { RiverError, type RiverErrorOutcome } from './river-error.js';

/** Something about a transaction forbids the call. */
export class RiverTransactionError extends RiverError {}

/** There is no transaction where one is needed. */
export class NotInTransactionError extends RiverTransactionError {
  constructor(message: string) {
    super(message, { code: 'RIVER_NOT_IN_TRANSACTION' });
  }
}

/** A statement or an insert was asked of a transaction that has ended already. */
export class TransactionEndedError extends RiverTransactionError {
  constructor(what: string) {
    super(
      `${what} was asked of a transaction that has already ended. Await it before the transaction's ` +
        'callback or handler returns, or wrap it in transaction.outside(...) if it is meant to ' +
        'run on its own.',
      { code: 'RIVER_TRANSACTION_ENDED' },
    );
  }
}

/** The transaction was to be committed, but the server has rolled it back. Nothing is stored. */
export class TransactionRolledBackError extends RiverTransactionError {
  override readonly retryable = true;

  constructor(cause: unknown) {
    super(
      'The transaction could not be committed, because one of its statements had failed (see ' +
        'cause): Postgres rolled it back and nothing of it is stored. Let the error of a failed ' +
        'statement leave the transaction instead of swallowing it.',
      { code: 'RIVER_TRANSACTION_ROLLED_BACK', cause },
    );
  }
}

/** The command by which a statement ended a transaction of ours. */
export type EndingCommand = 'COMMIT' | 'ROLLBACK' | 'PREPARE TRANSACTION';

const LEFT_BEHIND: Record<EndingCommand, string> = {
  COMMIT:
    'Part of it may be stored: what was done before the COMMIT, and what the same text did after it',
  ROLLBACK:
    'What was done before the ROLLBACK is not stored; part of what came after it may be stored',
  'PREPARE TRANSACTION':
    'Part of it may be stored: the server keeps it, with its locks, until COMMIT PREPARED or ROLLBACK PREPARED',
};

/**
 * A statement within the transaction ended it, on the raw client or hidden in a text of several
 * statements. It is not retryable, since part of it may be stored. {@link RiverError.cause} is the
 * error that the transaction would have failed with otherwise, if there is one.
 */
export class TransactionEndedWithinError extends RiverTransactionError {
  /** @internal */
  readonly command: EndingCommand;

  constructor(command: EndingCommand, cause?: unknown) {
    super(
      `A statement ended the transaction by ${command}. ${LEFT_BEHIND[command]}. Look at the data ` +
        'before you run it again. Leave the end to run(...) or @RiverTransactional(): return to ' +
        'commit, throw to roll back.',
      { code: 'RIVER_TRANSACTION_ENDED_WITHIN', outcome: 'unknown', cause },
    );
    this.command = command;
  }
}

const BEHIND_NESTED =
  'was asked from outside a nested transaction, which owns the connection until it ends and seems to ' +
  'be waiting for just this. Do not await, inside a nested transaction, work that was begun outside ' +
  'of it.';

/** A savepoint or a stream owns the connection, and waits for what would have to wait for it. */
export class TransactionScopeBusyError extends RiverTransactionError {
  constructor(what: string, reason = BEHIND_NESTED) {
    super(`${what} ${reason}`, { code: 'RIVER_TRANSACTION_SCOPE_BUSY' });
  }
}

/** Something that was begun in the transaction was not done in time, so all of it is rolled back. */
export class TransactionUnfinishedError extends RiverTransactionError {
  constructor(names: readonly string[], limitMs: number) {
    super(
      `The transaction was rolled back: ${names.join(', ') || 'a statement'} was begun in it, not awaited, ` +
        `and not done ${limitMs} ms after its end was due. Await it. Read a stream to its end, or ` +
        'close it, before the callback or handler returns.',
      { code: 'RIVER_TRANSACTION_UNFINISHED' },
    );
  }
}

/** The transaction was aborted: by its time limit, its signal or a client that disconnected. */
export class TransactionAbortedError extends RiverTransactionError {
  constructor(why: string, cause?: unknown) {
    super(`The transaction was rolled back: ${why}.`, { code: 'RIVER_TRANSACTION_ABORTED', cause });
  }
}

/**
 * Code in a transaction needed a second connection, and the pool had none to give within the module's
 * `secondConnectionTimeoutMs`. Nothing of what it was for was sent.
 */
export class SecondConnectionTimeoutError extends RiverTransactionError {
  override readonly retryable = true;

  constructor(limitMs: number) {
    super(
      `The pool had no second connection within ${limitMs} ms for code that holds one already in an ` +
        'open transaction. Connections that all wait for a second one never come back. Do the work ' +
        'after COMMIT, in an afterCommit hook, instead of in transaction.outside(...), ' +
        "REQUIRES_NEW or NOT_SUPPORTED; or use 'NESTED'; or give the pool more connections than " +
        'transactions run at the same time.',
      { code: 'RIVER_SECOND_CONNECTION_TIMEOUT' },
    );
  }
}

/** A hook that ran after the end of a transaction took longer than the module's `hookTimeoutMs`. */
export class HookTimeoutError extends RiverTransactionError {
  constructor(limitMs: number) {
    super(
      `A hook that ran after the end of a transaction did not settle within ${limitMs} ms. The ` +
        'transaction does not wait for it any longer. Let the hook start long work without awaiting ' +
        "it, or raise the module's option hookTimeoutMs.",
      { code: 'RIVER_HOOK_TIMEOUT', outcome: 'unknown' },
    );
  }
}

/** What became of a transaction, as far as the server can still tell. */
export type CommitOutcome = 'committed' | 'rolled back' | 'unknown';

/**
 * The connection broke while COMMIT was under way: the transaction may or may not be committed.
 * {@link resolve} asks the server.
 */
export class CommitOutcomeUnknownError extends RiverTransactionError {
  readonly #ask: () => Promise<CommitOutcome>;

  constructor(cause: unknown, ask: () => Promise<CommitOutcome>) {
    super(
      'The connection broke during COMMIT, so it is not known whether the transaction is committed. ' +
        'await error.resolve() asks the server.',
      { code: 'RIVER_COMMIT_OUTCOME_UNKNOWN', outcome: 'unknown', cause },
    );
    this.#ask = ask;
  }

  /**
   * Asks the server on a fresh connection what became of the transaction. `unknown` when it had no
   * insert of ours and no `trackOutcome`, when the server is still busy with it after some tries, when
   * the server does not know it (any more), as after a failover, or when it says "committed" and has
   * crashed since: it then gives ids out again. After a failover to a replica that lagged, so may that
   * one, and nobody can tell.
   *
   * @throws DatabaseError when the server cannot be reached
   */
  async resolve(): Promise<CommitOutcome> {
    return await this.#ask();
  }
}

/** The application is shutting down, or its data source has been destroyed. */
export class ShuttingDownError extends RiverTransactionError {
  readonly #what: 'application' | 'data source';

  constructor(what: 'application' | 'data source' = 'application', outcome?: RiverErrorOutcome) {
    super(
      what === 'application'
        ? 'The application is shutting down: it begins nothing new, and waits for no job.'
        : 'The data source has been destroyed, or is about to be. Call dataSource.initialize() ' +
            'before you use the client or its transactions again.',
      { code: 'RIVER_SHUTTING_DOWN', outcome },
    );
    this.#what = what;
  }

  /** @internal The same for a wait whose job was inserted by the same call. */
  afterInsert(): ShuttingDownError {
    return new ShuttingDownError(this.#what, 'unknown');
  }
}
