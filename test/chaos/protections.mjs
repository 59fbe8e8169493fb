// Switches one protection of the library off, by patching its built classes in this process.
import pg from 'pg';
import { ObservedPromise } from '../../dist/lib/transaction/statements/observed-promise.js';
import { StatementQueue } from '../../dist/lib/transaction/statements/statement-queue.js';
import { UnawaitedWork } from '../../dist/lib/transaction/statements/unawaited-work.js';
import { TransactionScope } from '../../dist/lib/transaction/statements/transaction-scope.js';

const nothing = () => undefined;

/** Each says what is lost with it. */
export const PROTECTIONS = {
  queue: {
    what: 'statements wait for each other, and the end for them',
    off() {
      StatementQueue.prototype.push = async (run, _isAlone, onEnd) => {
        try {
          const answer = await run();
          onEnd?.();
          return answer;
        } catch (failure) {
          onEnd?.(failure);
          throw failure;
        }
      };
    },
  },
  fence: {
    what: 'statements after the end are refused',
    off() {
      TransactionScope.prototype.refuse = nothing;
      TransactionScope.prototype.refuseQuietly = nothing;
    },
  },
  settle: {
    what: 'the end waits for what was begun and not awaited',
    off() {
      TransactionScope.prototype.settle = async () => undefined;
      Object.defineProperty(TransactionScope.prototype, 'isSettled', { value: true });
    },
  },
  operations: {
    what: 'operations of several statements are followed across their gaps',
    off() {
      UnawaitedWork.prototype.follow = (_name, answer) => answer;
    },
  },
  unobserved: {
    what: 'a failure that nobody waits for fails the transaction',
    off() {
      UnawaitedWork.prototype.throwUnobserved = nothing;
    },
  },
  'observed-promise': {
    what: 'no unhandled rejections beside a failure that is told',
    off() {
      ObservedPromise.prototype.silence = nothing;
      const { follow } = UnawaitedWork.prototype;
      UnawaitedWork.prototype.follow = function (...args) {
        const promise = follow.apply(this, args);
        promise.isObserved = true;
        return promise;
      };
    },
  },
  repositories: { what: 'injected repositories join', joinRepositories: false, off: nothing },
  'commit-check': {
    what: 'a COMMIT answered with ROLLBACK is an error',
    off() {
      const { query, getTransactionStatus } = pg.Client.prototype;
      pg.Client.prototype.query = function (config, ...rest) {
        const answer = query.call(this, config, ...rest);
        if (config?.text !== 'COMMIT' || rest.length > 0) return answer;
        return answer.then((result) => Object.assign(result, { command: 'COMMIT' }));
      };
      pg.Client.prototype.getTransactionStatus = function () {
        return getTransactionStatus.call(this) === 'I' ? 'I' : 'T';
      };
    },
  },
  'savepoint-ownership': {
    what: 'a savepoint owns the connection until it ends',
    off() {
      TransactionScope.prototype.enqueueInner = (_inner, run) => run();
    },
  },
  'rollback-waits': {
    what: 'a rollback waits for what is under way',
    off() {
      TransactionScope.prototype.idle = async () => undefined;
    },
  },
};
