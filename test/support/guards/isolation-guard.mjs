import { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { GuardError } from './guard-error.mjs';

/**
 * Refuses connections and child processes, and fails the test that asked for one even when it
 * handles the error. What needs a server is not a unit test.
 */
export class IsolationGuard {
  /** @type {GuardError[]} */
  #errors = [];
  #connect = Socket.prototype.connect;
  #spawn = Reflect.get(ChildProcess.prototype, 'spawn');

  start() {
    Socket.prototype.connect = this.#refusal('opened a connection');
    Object.assign(ChildProcess.prototype, { spawn: this.#refusal('started a process') });
  }

  stop() {
    Socket.prototype.connect = this.#connect;
    Object.assign(ChildProcess.prototype, { spawn: this.#spawn });
  }

  async afterTest() {
    return this.#errors.splice(0);
  }

  afterFile() {
    return this.afterTest();
  }

  /** @param {string} what @returns {() => never} */
  #refusal(what) {
    return () => {
      const error = new GuardError(
        `A unit test ${what}. Rename its file from *.unit.test.ts to *.test.ts, which has a server.`,
      );
      this.#errors.push(error);
      throw error;
    };
  }
}
