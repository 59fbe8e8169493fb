import { TestEnvironment } from 'jest-environment-node';
import { RejectionGuard } from './rejection-guard.mjs';
import { ResourceGuard } from './resource-guard.mjs';
import { WarningGuard } from './warning-guard.mjs';

/**
 * Looks at one thing that a file may leave behind or must not do.
 *
 * @typedef {object} Guard
 * @property {() => void} [start]
 * @property {() => Promise<Error[]>} afterTest
 * @property {() => Promise<Error[]>} afterFile
 * @property {() => void} [stop]
 */

/**
 * The environment of every test file: Node's, and guards that look at what the file leaves behind.
 * They sit here and not in a set-up file because a set-up file's hooks run before the file's own
 * `afterAll`, so they could not tell a leak from something that is about to be closed.
 */
export class GuardedEnvironment extends TestEnvironment {
  #rejections = new RejectionGuard();
  #resources = new ResourceGuard(this.global);
  #warnings = new WarningGuard(this.global);
  #own;

  /**
   * @param {ConstructorParameters<typeof TestEnvironment>[0]} config
   * @param {ConstructorParameters<typeof TestEnvironment>[1]} context
   * @param {(global: typeof globalThis) => Guard} ownGuard The guard that the project adds.
   */
  constructor(config, context, ownGuard) {
    super(config, context);
    this.#own = ownGuard(this.global);
  }

  /**
   * @param {import('@jest/types').Circus.AsyncEvent | import('@jest/types').Circus.SyncEvent} event
   * @param {import('@jest/types').Circus.State} state
   */
  async handleTestEvent(event, state) {
    switch (event.name) {
      case 'run_start':
        this.#own.start?.();
        this.#rejections.start();
        this.#warnings.start();
        return;
      case 'test_done':
        event.test.errors.push(...(await this.#own.afterTest()));
        event.test.errors.push(...(await this.#warnings.take()));
        return;
      case 'run_finish':
        state.unhandledErrors.push(...(await this.#own.afterFile()));
        state.unhandledErrors.push(...(await this.#resources.afterFile()));
        state.unhandledErrors.push(...(await this.#rejections.afterFile(state)));
        state.unhandledErrors.push(...(await this.#warnings.take()));
        return;
      case 'teardown':
        this.#own.stop?.();
        this.#rejections.stop();
        this.#warnings.stop();
        return;
    }
  }
}
