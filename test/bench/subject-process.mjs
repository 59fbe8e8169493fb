// A subject in a process of its own, and the lines that are exchanged with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class SubjectProcess {
  #name;
  #process;
  #lines;
  #ended;

  /** @param command program and arguments */
  static async start(name, [program, ...args]) {
    const started = new SubjectProcess(
      name,
      spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const { runtime, operations } = await started.#answer();
    return Object.assign(started, { runtime, operations });
  }

  constructor(name, process) {
    this.#name = name;
    this.#process = process;
    this.#lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
    this.#ended = once(process, 'exit');
    // Its end is noticed by the answer that does not come.
    process.stdin.on('error', () => undefined);
  }

  get pid() {
    return this.#process.pid;
  }

  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return await this.#answer();
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) {
      const [code, signal] = await this.#ended;
      throw new Error(`${this.#name} ended before it answered: ${signal ?? `exit code ${code}`}`);
    }
    const answer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(`${this.#name}: ${answer.error}`);
    return answer;
  }

  /** Lets it close its connections. */
  async end() {
    this.#process.stdin.end();
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    await this.#ended;
    clearTimeout(limit);
  }
}
