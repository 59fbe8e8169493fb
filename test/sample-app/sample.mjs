import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import { survivorsOf, treeOf } from './process-tree.mjs';
import { Hopeless, until } from './until.mjs';

/** The sample application as a person starts it, in a process group of its own as in a terminal. */
export class Sample {
  #child;
  #output = '';
  #ended;
  #seen = [];

  constructor({ root, command, dataFolder, port }) {
    const env = { ...process.env, PORT: String(port), SAMPLE_DATA_DIR: dataFolder };
    delete env.DATABASE_URL;
    this.port = port;
    this.#child = spawn(command[0], command.slice(1), {
      cwd: root,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (data) => (this.#output += data));
    }
    this.#ended = once(this.#child, 'close');
  }

  get output() {
    return this.#output;
  }

  async request(path, body) {
    const response = await fetch(`http://localhost:${this.port}${path}`, {
      signal: AbortSignal.timeout(15_000),
      ...(body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
    });
    const text = await response.text();
    return { status: response.status, answer: text === '' ? undefined : JSON.parse(text) };
  }

  /** A POST whose path says all. */
  async post(path) {
    const { status, answer } = await this.request(path, {});
    if (status !== 200 && status !== 204) throw new Error(`POST ${path} answered ${status}`);
    return answer;
  }

  async get(path) {
    const { status, answer } = await this.request(path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}`);
    return answer;
  }

  untilUp(withinMs) {
    return until('the application answers', withinMs, async () => {
      if (this.#child.exitCode !== null) throw new Hopeless('it ended instead of starting');
      return (await this.get('/health')).status === 'ok';
    });
  }

  untilWorkerReady(withinMs) {
    return until('the worker is ready', withinMs, async () => {
      const { worker, workerInWords } = await this.get('/health');
      if (worker === 'missing' || worker === 'failed') throw new Hopeless(workerInWords);
      return worker === 'ready';
    });
  }

  untilWorked(id, withinMs) {
    return this.untilIn('completed', id, withinMs);
  }

  untilIn(state, id, withinMs) {
    return until(`job ${id} is ${state}`, withinMs, async () => {
      const job = await this.get(`/jobs/${id}`);
      return job.state === state ? job : undefined;
    });
  }

  /** All that run now of what this has started, also when what started them has ended. */
  processes() {
    const { pid, exitCode, signalCode } = this.#child;
    const tree = exitCode === null && signalCode === null ? treeOf(pid) : [];
    const pids = new Set(tree.map((each) => each.pid));
    const orphans = survivorsOf(this.#seen).filter((each) => !pids.has(each.pid));
    this.#seen = [...tree, ...orphans];
    return this.#seen;
  }

  /** Ctrl-C in a terminal: to every process of the group. */
  interrupt() {
    process.kill(-this.#child.pid, 'SIGINT');
  }

  /** What a supervisor does: to the process it has started, and to no other. */
  terminate() {
    this.#child.kill('SIGTERM');
  }

  /** What nothing can prepare for. */
  killAll() {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // The end of one ends others, so some are gone before it is their turn.
      }
    }
  }

  /** Waits until none of these processes is left; throws with those that are. */
  async untilGone(tree, withinMs) {
    const left = () => survivorsOf(tree);
    await until('everything has stopped', withinMs, () => left().length === 0).catch((error) => {
      const names = left().map(({ pid, command }) => `\n  ${pid} ${command}`);
      throw new Error(error.message + names.join(''));
    });
    await this.#ended;
  }

  /** The status of a request whose Host header is another name; `fetch` cannot set it. */
  async statusUnderName(host) {
    const request = get({ port: this.port, host: 'localhost', headers: { host } });
    const [response] = await once(request, 'response');
    response.resume();
    return response.statusCode;
  }

  portIsClosed() {
    return new Promise((resolve) => {
      const socket = connect(this.port, 'localhost');
      socket.once('connect', () => resolve(socket.destroy() && false));
      socket.once('error', () => resolve(true));
    });
  }
}

export async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
