// What inserts promise in a transaction, whoever has opened it.
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';

export class Failure extends Error {}

const rollsBack = (promise) => assert.rejects(promise, Failure);
const args = (item) => ({ kind: 'send_receipt', item });

/**
 * @typedef {object} Bench
 * @property {import('nestjs-river').RiverClient} river
 * @property {import('nestjs-river').RiverTransaction} transaction Our own helper.
 * @property {{
 *   inTransaction<T>(work: () => Promise<T>): Promise<T>,
 *   nested<T>(work: () => Promise<T>): Promise<T>,
 *   readonly manager: import('typeorm').EntityManager,
 * }} service Its methods are written with the package that opens the transactions.
 * @property {Bench['service']} ours The same service, written with our own decorator.
 * @property {import('typeorm').Repository<{ item: string }>} repository An injected one.
 * @property {() => Promise<{ orders: string[], jobs: number }>} stored What is committed.
 * @property {(work: (heard: string[]) => Promise<void>) => Promise<string[]>} listening Queues notified.
 */

const order = ({ service }, item) => service.manager.save('order', { item });
const insert = ({ river }, item, opts) => river.insert(args(item), opts);

/** @type {Record<string, (bench: Bench) => Promise<void>>} */
export const CASES = {
  async 'commit with it'(bench) {
    await bench.service.inTransaction(async () => {
      await order(bench, 'a');
      await insert(bench, 'a');
      assert.deepEqual(await bench.stored(), { orders: [], jobs: 0 });
    });
    assert.deepEqual(await bench.stored(), { orders: ['a'], jobs: 1 });
  },

  async 'roll back with it'(bench) {
    const failing = bench.service.inTransaction(async () => {
      await order(bench, 'a');
      await insert(bench, 'a');
      throw new Failure();
    });
    await rollsBack(failing);
    assert.deepEqual(await bench.stored(), { orders: [], jobs: 0 });
  },

  async 'many at once, all or none'(bench) {
    const many = () => bench.river.insertMany([args('a'), args('b')]);
    const failing = bench.service.inTransaction(async () => {
      await many();
      throw new Failure();
    });
    await rollsBack(failing);
    assert.equal((await bench.stored()).jobs, 0);
    await bench.service.inTransaction(many);
    assert.equal((await bench.stored()).jobs, 2);
  },

  async 'unique ones see what the transaction inserted'(bench) {
    const unique = () => insert(bench, 'a', { uniqueOpts: { byArgs: true } });
    await bench.service.inTransaction(async () => {
      assert.equal((await unique()).uniqueSkippedAsDuplicated, false);
      assert.equal((await unique()).uniqueSkippedAsDuplicated, true);
    });
    assert.equal((await bench.stored()).jobs, 1);
  },

  async 'notify with the COMMIT, and not without'(bench) {
    const heard = await bench.listening(async (soFar) => {
      const failing = bench.service.inTransaction(async () => {
        await insert(bench, 'a', { queue: 'rolled_back' });
        throw new Failure();
      });
      await rollsBack(failing);
      await bench.service.inTransaction(async () => {
        await insert(bench, 'a', { queue: 'committed' });
        await bench.stored();
        assert.deepEqual(soFar, []);
      });
    });
    assert.deepEqual(heard, ['committed']);
  },

  async 'nested: disappear with the savepoint'(bench) {
    await bench.service.inTransaction(async () => {
      await insert(bench, 'outer');
      const nested = bench.service.nested(async () => {
        await order(bench, 'inner');
        await insert(bench, 'inner');
        throw new Failure();
      });
      await rollsBack(nested);
      await bench.service.nested(() => insert(bench, 'kept'));
    });
    assert.deepEqual(await bench.stored(), { orders: [], jobs: 2 });
  },

  async 'are part of it when nobody awaits them'(bench) {
    await bench.service.inTransaction(async () => void insert(bench, 'a'));
    assert.equal((await bench.stored()).jobs, 1);
    const failing = bench.service.inTransaction(async () => {
      void insert(bench, 'b');
      throw new Failure();
    });
    await rollsBack(failing);
    assert.equal((await bench.stored()).jobs, 1);
  },

  async 'fail it when they fail and nobody awaits them'(bench) {
    const failing = bench.service.inTransaction(async () => {
      await order(bench, 'a');
      void insert(bench, 'a', { priority: 99 });
    });
    await assert.rejects(failing, { code: 'RIVER_INVALID_OPTION' });
    assert.deepEqual(await bench.stored(), { orders: [], jobs: 0 });
  },

  async 'stay with their own transaction among several at once'(bench) {
    const items = ['a', 'fails', 'b', 'fails', 'c'];
    const outcomes = await Promise.allSettled(
      items.map((item, index) =>
        bench.service.inTransaction(async () => {
          await order(bench, `${item} ${index}`);
          await nextTurn();
          await insert(bench, item);
          if (item === 'fails') throw new Failure();
        }),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
    const { orders, jobs } = await bench.stored();
    assert.deepEqual([orders.length, jobs], [3, 3]);
  },

  async 'stand by themselves outside of it'(bench) {
    await insert(bench, 'a');
    const failing = bench.service.inTransaction(async () => {
      await bench.transaction.outside(() => insert(bench, 'b'));
      throw new Failure();
    });
    await rollsBack(failing);
    assert.equal((await bench.stored()).jobs, 2);
  },

  async 'join our own transaction that is around it'(bench) {
    const failing = bench.transaction.run(async () => {
      await bench.service.inTransaction(async () => {
        await order(bench, 'a');
        await insert(bench, 'a');
      });
      throw new Failure();
    });
    await rollsBack(failing);
    assert.deepEqual(await bench.stored(), { orders: [], jobs: 0 });
  },

  async 'with our own helper joined within it'(bench) {
    const ways = [
      (work) => bench.transaction.run(work),
      (work) => bench.transaction.run({ propagation: 'MANDATORY' }, work),
      (work) => bench.transaction.run({ propagation: 'SUPPORTS' }, work),
      (work) => bench.transaction.run({ propagation: 'NESTED' }, work),
      (work) => bench.ours.inTransaction(work),
    ];
    for (const [index, join] of ways.entries()) {
      const both = () =>
        join(async () => {
          assert.equal(bench.transaction.isActive, true);
          await order(bench, `by the manager ${index}`);
          await bench.repository.save({ item: `by a repository ${index}` });
          await bench.transaction.manager.save('order', { item: `by our manager ${index}` });
          await insert(bench, 'a');
        });
      const failing = bench.service.inTransaction(async () => {
        await both();
        throw new Failure();
      });
      await rollsBack(failing);
      assert.deepEqual(await bench.stored(), { orders: [], jobs: 0 }, `way ${index}`);
    }
    await bench.service.inTransaction(() => ways[0](() => insert(bench, 'kept')));
    assert.equal((await bench.stored()).jobs, 1);
  },

  async 'with our own helper apart from it where that is asked for'(bench) {
    const { transaction } = bench;
    const failing = bench.service.inTransaction(async () => {
      await assert.rejects(
        transaction.run({ propagation: 'NEVER' }, () => undefined),
        { field: 'propagation' },
      );
      await transaction.run({ propagation: 'REQUIRES_NEW' }, () => insert(bench, 'a'));
      await transaction.run({ propagation: 'NOT_SUPPORTED' }, () => insert(bench, 'b'));
      throw new Failure();
    });
    await rollsBack(failing);
    assert.equal((await bench.stored()).jobs, 2);
    assert.equal(transaction.isActive, false);
  },

  async 'undone alone in a nested one of ours'(bench) {
    await bench.service.inTransaction(async () => {
      const nested = bench.transaction.run({ propagation: 'NESTED' }, async () => {
        await insert(bench, 'undone');
        throw new Failure();
      });
      await rollsBack(nested);
      await insert(bench, 'kept');
    });
    assert.equal((await bench.stored()).jobs, 1);
  },
};
