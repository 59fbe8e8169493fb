import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What an application in a process of its own reports. */
export interface Told {
  readonly at?: string;
  readonly url?: string;
  readonly refused?: string;
  readonly unhandled?: string;
}

/** An application in a process of its own, which is killed when it does not end in time. */
export class ChildApplication {
  readonly child: ChildProcess;
  /** The signal or else the code with which it ended. */
  readonly exited: Promise<string | number | null>;
  readonly told: Told[] = [];
  readonly #killedAfterMs: number;
  #limit: NodeJS.Timeout | undefined;

  /** @param killedAfterMs how long its end may take */
  constructor(program: string, args: readonly string[], killedAfterMs: number) {
    this.#killedAfterMs = killedAfterMs;
    this.child = fork(program, args, { execArgv: [] });
    this.child.on('message', (message) => this.told.push(message as Told));
    this.exited = once(this.child, 'exit').then(([code, signal]) => {
      clearTimeout(this.#limit);
      return (signal ?? code) as string | number | null;
    });
  }

  /** What it reported when it was there; fails when it ends before. */
  async waitFor(at: string): Promise<Told> {
    for (;;) {
      const found = this.told.find((each) => each.at === at);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended with ${String(await this.exited)} before it reported ${at}`);
      await Promise.race([once(this.child, 'message'), this.exited]);
    }
  }

  /** Begins its end. */
  end(how: 'close' | 'destroy' | 'SIGTERM'): void {
    this.#limit ??= setTimeout(() => this.child.kill('SIGKILL'), this.#killedAfterMs);
    if (how === 'SIGTERM') this.child.kill(how);
    else this.child.send(how);
  }

  /** The unhandled rejections that it reported. */
  get unhandled(): (string | undefined)[] {
    return this.told.map(({ unhandled }) => unhandled).filter((each) => each !== undefined);
  }
}
