import { log } from '../bootstrap/log.js';

export type WorkerState = 'building' | 'starting' | 'ready' | 'missing' | 'failed';

const IN_WORDS: Record<WorkerState, string> = {
  building: 'is being built; the first time Go fetches its modules',
  starting: 'is starting',
  ready: 'is ready: jobs are worked as they come',
  missing:
    'is not running, because Go is not on the PATH: Nest works the jobs, those of the queue slow wait',
  failed: 'is not running: Nest works the jobs, those of the queue slow wait',
};

/** What is known of the Go worker; told on the terminal and by `GET /health`. */
export class WorkerStatus {
  #state: WorkerState = 'starting';
  #detail: string | undefined;

  get state(): WorkerState {
    return this.#state;
  }

  get inWords(): string {
    return IN_WORDS[this.#state] + (this.#detail === undefined ? '' : ` (${this.#detail})`);
  }

  set(state: WorkerState, detail?: string): void {
    this.#state = state;
    this.#detail = detail;
    log(`The Go worker ${this.inWords}.`);
  }
}
