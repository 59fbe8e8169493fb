// Three ways to open a transaction, each with a service as an application would write it. Without
// decorator syntax, which Node does not have: a decorator is a function.
import { Inject, Injectable } from '@nestjs/common';
import * as cls from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { RiverTransaction, RiverTransactional } from 'nestjs-river';
import { nestjsClsTransactions } from 'nestjs-river/nestjs-cls';
import { typeormTransactionalTransactions } from 'nestjs-river/typeorm-transactional';
import { ClsModule } from 'nestjs-cls';
import { DataSource } from 'typeorm';
import * as tt from 'typeorm-transactional';

/** @param {Function} token @param {(dependency: any) => unknown} manager */
function service(token, manager, { plain, nested }) {
  class Service {
    constructor(dependency) {
      this.dependency = dependency;
    }

    get manager() {
      return manager(this.dependency);
    }

    async inTransaction(work) {
      return await work();
    }

    async nested(work) {
      return await work();
    }
  }
  Injectable()(Service);
  Inject(token)(Service, undefined, 0);
  for (const [name, decorate] of Object.entries({ inTransaction: plain, nested })) {
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, name);
    const decorated = decorate(Service.prototype, name, descriptor) ?? descriptor;
    Object.defineProperty(Service.prototype, name, decorated);
  }
  return Service;
}

/** The service with our own decorator, which joins what the others open. */
export const ours = () =>
  service(RiverTransaction, (transaction) => transaction.manager, {
    plain: RiverTransactional(),
    nested: RiverTransactional({ propagation: 'NESTED' }),
  });

export const WAYS = {
  'our own helper': () => ({ service: ours() }),

  '@nestjs-cls/transactional': () => ({
    service: service(cls.TransactionHost, (host) => host.tx, {
      plain: cls.Transactional(),
      nested: cls.Transactional(cls.Propagation.Nested),
    }),
    modules: [
      ClsModule.forRoot({
        plugins: [
          new cls.ClsPluginTransactional({
            adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: DataSource }),
          }),
        ],
      }),
    ],
    transactionSource: nestjsClsTransactions(),
  }),

  'typeorm-transactional': () => {
    tt.initializeTransactionalContext({ storageDriver: tt.StorageDriver.ASYNC_LOCAL_STORAGE });
    return {
      service: service(DataSource, (dataSource) => dataSource.manager, {
        plain: tt.Transactional(),
        nested: tt.Transactional({ propagation: tt.Propagation.NESTED }),
      }),
      prepare: (dataSource) => tt.addTransactionalDataSource(dataSource),
      transactionSource: typeormTransactionalTransactions(),
    };
  },
};
