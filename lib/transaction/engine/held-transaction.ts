import type { DataSource, QueryRunner } from 'typeorm';
import {
  rawClient,
  type Connection,
  type ConnectionSettings,
} from '../../postgres/connection/connection.js';
import { Abort } from '../context/abort.js';
import { enclosingTransaction } from '../context/ambient-transaction.js';
import { ConnectionWatch } from '../statements/connection-watch.js';
import { defineOwn } from './define-own.js';
import { endIsOurs, endsTransaction } from '../statements/forbidden-statements.js';
import { configure } from './begin-transaction.js';
import type { TransactionAttempt } from './begin-transaction.js';
import { Session } from '../statements/session.js';
import { TransactionHooks, type TransactionOutcome } from '../context/transaction-hooks.js';
import { forgetRoot, registerRoot, scopeOf } from '../statements/scope-of.js';
import { TransactionScope } from '../statements/transaction-scope.js';

/**
 * Runs a transaction of ours as a savepoint, where `createQueryRunner()` returns a query runner that
 * is in a transaction already: a test holds one, and will roll it back. The hooks run at the end of
 * the savepoint, which takes the place of COMMIT.
 */
export async function runInHeld<T>(
  queryRunner: QueryRunner,
  dataSource: DataSource,
  { name, options, work, reportHookError, hookTimeoutMs, activeWork }: TransactionAttempt<T>,
): Promise<T> {
  const scope = await innermostScope(queryRunner, dataSource, name);
  const { manager } = queryRunner;
  const hooks = new TransactionHooks();
  const limited = async (): Promise<T> => {
    await configure(queryRunner, options);
    return await new Abort(options, activeWork).limit(async () => await work(manager));
  };
  let outcome: TransactionOutcome = 'rollback';
  try {
    const result = await scope.nest(limited, hooks);
    outcome = 'commit';
    return result;
  } finally {
    await hooks.run(outcome, reportHookError, hookTimeoutMs);
  }
}

/** Runs what needs no transaction in a savepoint of its own, so that its failure is undone alone. */
export async function onHeld<T>(
  queryRunner: QueryRunner,
  settings: ConnectionSettings,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const outer = await innermostScope(queryRunner, settings.dataSource, '');
  return await outer.nest(() => work((scopeOf(queryRunner) ?? outer).connection(settings)));
}

/** The scope that the running code is in, also where it was put outside transactions. */
async function innermostScope(
  queryRunner: QueryRunner,
  dataSource: DataSource,
  name: string,
): Promise<TransactionScope> {
  const root = scopeOf(queryRunner) ?? (await takeOver(queryRunner, dataSource, name));
  const inner = enclosingTransaction(
    dataSource,
    ({ isOpen, session }) => isOpen && session === root.session,
  );
  return (inner as TransactionScope | undefined) ?? root;
}

/** Puts the statements of the runner into one queue, until the transaction is ended on the runner. */
async function takeOver(
  queryRunner: QueryRunner,
  dataSource: DataSource,
  name: string,
): Promise<TransactionScope> {
  const client = await rawClient(queryRunner, 'begin');
  const taken = scopeOf(queryRunner);
  if (taken !== undefined) return taken;
  const watch = new ConnectionWatch(queryRunner, client);
  const session = new Session({ dataSource, name, queryRunner, client, watch, options: {} });
  const { query } = session;
  const root = new TransactionScope(session);
  const end = async (...args: Parameters<typeof query>): Promise<unknown> => {
    root.refuseQuietly();
    await root.idle();
    await session.savepointsIdle();
    restore();
    forgetRoot(root);
    watch.stop();
    return (await query(...args)) as unknown;
  };
  const restore = defineOwn(queryRunner, 'query', {
    value: (...args: Parameters<typeof query>): Promise<unknown> => {
      const asker = scopeOf(queryRunner) ?? root;
      if (!endsTransaction(args[0])) return asker.enqueue('A statement', () => query(...args));
      return asker === root ? end(...args) : Promise.reject(endIsOurs());
    },
    writable: true,
  });
  registerRoot(root);
  return root;
}
