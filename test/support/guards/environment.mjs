import { TestEnvironment } from 'jest-environment-node';
import { ConnectionGuard } from './connection-guard.mjs';
import { RejectionGuard } from './rejection-guard.mjs';
import { ResourceGuard } from './resource-guard.mjs';
import { WarningGuard } from './warning-guard.mjs';

/**
 * The environment of every test file: Node's, and guards that look at what the file leaves behind.
 * They sit here and not in a set-up file because a set-up file's hooks run before the file's own
 * `afterAll`, so they could not tell a leak from something that is about to be closed.
 */
export default class GuardedEnvironment extends TestEnvironment {
  #connections = new ConnectionGuard(this.global);
  #rejections = new RejectionGuard();
  #resources = new ResourceGuard(this.global);
  #warnings = new WarningGuard(this.global);

  /**
   * @param {import('@jest/types').Circus.AsyncEvent | import('@jest/types').Circus.SyncEvent} event
   * @param {import('@jest/types').Circus.State} state
   */
  async handleTestEvent(event, state) {
    switch (event.name) {
      case 'run_start':
        this.#rejections.start();
        this.#warnings.start();
        return;
      case 'test_done':
        event.test.errors.push(...(await this.#connections.afterTest()));
        event.test.errors.push(...(await this.#warnings.take()));
        return;
      case 'run_finish':
        state.unhandledErrors.push(...(await this.#connections.afterFile()));
        state.unhandledErrors.push(...(await this.#resources.afterFile()));
        state.unhandledErrors.push(...(await this.#rejections.afterFile(state)));
        state.unhandledErrors.push(...(await this.#warnings.take()));
        return;
      case 'teardown':
        this.#rejections.stop();
        this.#warnings.stop();
        return;
    }
  }
}
