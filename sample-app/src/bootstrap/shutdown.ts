import { log } from './log.js';
import { whenParentIsGone } from './parent.js';

interface Step {
  readonly what: string;
  readonly undo: () => Promise<void>;
}

/**
 * What was started, so that it can be stopped in reverse order, once, by whichever comes first: a
 * signal or an error. Nest's own shutdown hooks would not do: the database must be there until Nest
 * has let go of it, and it must also stop when Nest never came up.
 */
export class Shutdown {
  readonly #steps: Step[] = [];
  #ending: Promise<void> | undefined;

  get isUnderWay(): boolean {
    return this.#ending !== undefined;
  }

  add(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  /**
   * One Ctrl-C often arrives more than once, from the terminal and again from the command that
   * started this process; only the first counts.
   */
  onSignals(): void {
    const stop = () => {
      if (this.isUnderWay) return;
      log('stopping ...');
      void this.run().then(() => {
        log('stopped.');
        process.exit(0);
      });
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
    whenParentIsGone(stop);
  }

  run(): Promise<void> {
    this.#ending ??= this.#undoAll();
    return this.#ending;
  }

  async #undoAll(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step.undo().catch((error: unknown) => {
        log(`${step?.what} did not stop cleanly: ${String(error)}`);
      });
    }
  }
}
