import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { log } from '../bootstrap/log.js';
import { paths } from '../config/paths.js';
import { WorkerStatus } from './worker-status.js';

/** The Go worker prints this when it has begun to take jobs. */
const READY = 'worker ready';

/**
 * Builds and runs the Go worker beside the application. It is built first and then run as itself:
 * `go run` would stand between us and the worker, and not pass on what stops it.
 */
export class GoWorker {
  readonly #status: WorkerStatus;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(status: WorkerStatus) {
    this.#status = status;
  }

  /** Returns at once; a first build fetches River's modules, and the application is up meanwhile. */
  start(databaseUrl: string): void {
    void this.#buildAndRun(databaseUrl).catch((error: unknown) => {
      this.#status.set('failed', String(error));
    });
  }

  async #buildAndRun(databaseUrl: string): Promise<void> {
    this.#status.set('building');
    const folder = join(paths.dataFolder, 'worker');
    const program = join(folder, process.platform === 'win32' ? 'worker.exe' : 'worker');
    await mkdir(folder, { recursive: true });
    const built = await this.#run('go', ['build', '-o', program, '.'], process.env);
    if (this.#stopping) return;
    if (built === 'missing') return this.#status.set('missing');
    if (built !== 0) return this.#status.set('failed', `go build ended with ${built}`);
    this.#status.set('starting');
    const environment = { ...process.env, DATABASE_URL: databaseUrl, EXIT_ON_STDIN_CLOSE: '1' };
    const ended = await this.#run(program, [], environment);
    if (!this.#stopping) this.#status.set('failed', `the worker ended with ${ended}`);
  }

  /** Lets running jobs finish for a while, then insists. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.stdin?.end();
    // A build has no use for its input; it is to end at once, with the compilers it has started.
    if (this.#status.state === 'building') signalGroup(child, 'SIGKILL');
    const insist = setTimeout(() => signalGroup(child, 'SIGKILL'), 10_000);
    await ended;
    clearTimeout(insist);
  }

  /** In a process group of its own, so that a Ctrl-C in the terminal reaches it only through us. */
  #run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<number | string> {
    const child = spawn(program, args, {
      cwd: paths.workerSource,
      env,
      detached: process.platform !== 'win32',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    this.#follow(child.stdout);
    this.#follow(child.stderr);
    return new Promise((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        this.#child = undefined;
        if (error.code === 'ENOENT' && program === 'go') resolve('missing');
        else reject(error);
      });
      child.once('close', (code, signal) => {
        this.#child = undefined;
        resolve(code ?? signal ?? 'unknown');
      });
    });
  }

  #follow(output: Readable): void {
    createInterface(output).on('line', (line) => {
      log(line, 'worker');
      if (line.includes(READY)) this.#status.set('ready');
    });
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
