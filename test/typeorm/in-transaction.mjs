/**
 * Runs TypeORM's own tests on data sources that the library has joined: see README.md beside this
 * file. Loaded by `mocha --require` in a checkout of TypeORM that is compiled to build/compiled.
 *
 * PLACE=joined  the join is installed and nothing else
 * PLACE=run     each test body is inside `run` of all its data sources, and is committed
 * PLACE=plain   each test body is in a transaction of TypeORM's alone: what fails here, too, is not
 *               a fault of the library
 */
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

const { PLACE } = process.env;
const require = createRequire(`${process.cwd()}/package.json`);
const typeorm = require.resolve('./build/compiled/src/index.js');
const { DataSource } = require(typeorm);
const { Runnable } = require('mocha');

// An application has one TypeORM, and the library's errors are of its classes.
const redirect = `export const resolve = (name, context, next) => name === 'typeorm'
  ? { url: ${JSON.stringify(pathToFileURL(typeorm).href)}, shortCircuit: true } : next(name, context)`;
register(`data:text/javascript,${encodeURIComponent(redirect)}`);
const library = new URL('../../dist/lib/', import.meta.url);
const { ActiveWork } = await import(new URL('transaction/engine/active-work.js', library));
const { DataSourceJoin } = await import(new URL('data-source/data-source-join.js', library));
const { RiverTransaction } = await import(new URL('transaction/river-transaction.js', library));

/** By data source: what runs its argument in a transaction. */
const transactions = new Map();
let bodies = 0;

const { initialize } = DataSource.prototype;
DataSource.prototype.initialize = async function () {
  const initialized = await initialize.call(this);
  if (this.options.type === 'postgres' && !transactions.has(this))
    transactions.set(this, PLACE === 'plain' ? plain(this) : joined(this));
  return initialized;
};

if (PLACE === 'run' || PLACE === 'plain') {
  const { run } = Runnable.prototype;
  Runnable.prototype.run = function (done) {
    if (this.type === 'test' && this.fn) this.fn = inTransactions(this.fn);
    return run.call(this, done);
  };
}
process.on('exit', () => console.error(`${bodies} test bodies were in a transaction`));

function inTransactions(body) {
  const { length } = body;
  return async function () {
    for (const source of transactions.keys())
      if (!source.isInitialized) transactions.delete(source);
    if (transactions.size > 0) bodies++;
    const work = async () => {
      if (length === 0) return await body.call(this);
      await new Promise((resolve, reject) => {
        body.call(this, (error) => (error ? reject(error) : resolve()));
      });
    };
    await [...transactions.values()].reduce((inner, run) => () => run(inner), work)();
  };
}

function joined(dataSource) {
  const activeWork = new ActiveWork(2_000);
  const transaction = new RiverTransaction('default', dataSource, { activeWork });
  new DataSourceJoin(dataSource, { activeWork, transaction, repositories: true });
  return (work) => transaction.run(async () => await work());
}

/** One transaction for the manager, and so for all that goes through it, with nothing of ours. */
function plain(dataSource) {
  const { manager } = dataSource;
  let runner;
  let isHidden = false;
  const current = () => (isHidden ? undefined : runner);
  Object.defineProperty(manager, 'queryRunner', { get: current, configurable: true });
  for (const name of ['getRepository', 'getTreeRepository', 'withRepository']) {
    const original = manager[name].bind(manager);
    manager[name] = (...args) => {
      isHidden = true;
      try {
        return original(...args);
      } finally {
        isHidden = false;
      }
    };
  }
  const query = dataSource.query.bind(dataSource);
  dataSource.query = (text, values, other) => query(text, values, other ?? current());
  const builder = dataSource.createQueryBuilder.bind(dataSource);
  dataSource.createQueryBuilder = (first, alias, other) =>
    alias === undefined ? builder(first ?? current()) : builder(first, alias, other ?? current());
  return async (work) => {
    const opened = dataSource.createQueryRunner();
    await opened.startTransaction();
    runner = opened;
    try {
      await work();
      await opened.commitTransaction();
    } catch (error) {
      await opened.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      runner = undefined;
      await opened.release();
    }
  };
}
