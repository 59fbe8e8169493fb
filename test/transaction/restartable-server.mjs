import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keep } from '../support/server/keeper.mjs';
import { loadReachable } from '../support/server/reachable-package.mjs';

/**
 * Nothing needs to survive a crash of the machine, only one of the server. What is not committed is
 * written late, so that a crash loses it together with the ids it had.
 */
const SETTINGS = {
  fsync: 'off',
  wal_writer_delay: '10s',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
};

/** A server of its own that can go and come back, on the same port and with the same data. */
export class RestartableServer {
  #server;
  #folder;
  #keeper;

  constructor(server, folder, keeper) {
    this.#server = server;
    this.#folder = folder;
    this.#keeper = keeper;
  }

  static async start(port) {
    const EmbeddedPostgres = await loadReachable();
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-river-restart-'));
    const keeper = keep(folder);
    const server = new EmbeddedPostgres({
      databaseDir: folder,
      port,
      user: 'postgres',
      password: 'postgres',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: Object.entries(SETTINGS).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]),
      onLog: () => undefined,
      onError: () => undefined,
    });
    await server.initialise();
    await server.start();
    return new RestartableServer(server, folder, keeper);
  }

  get url() {
    return `postgres://postgres:postgres@127.0.0.1:${this.#server.options.port}/postgres`;
  }

  /** In order (SIGINT), or without a word to its clients (SIGQUIT), as after a crash. */
  async goAway(signal) {
    const { process } = this.#server;
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
  }

  async comeBack() {
    await this.#server.start();
  }

  async stop() {
    await this.#server.stop();
    this.#keeper.dismiss();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
