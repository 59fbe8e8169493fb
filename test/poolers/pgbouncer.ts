import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { TestDatabase } from '../support/index.js';

const EXECUTABLE = process.env['PGBOUNCER'] ?? 'pgbouncer';
const MISSING =
  `PgBouncer was not found as "${EXECUTABLE}". Install it (on Debian or Ubuntu: apt-get install ` +
  'pgbouncer), or set the environment variable PGBOUNCER to its executable.';
const START_LIMIT_MS = 20_000;

/** A PgBouncer in front of one test database. The test stops it in its `afterAll`. */
export interface PgBouncer {
  /** The same database, reached through PgBouncer. */
  readonly database: TestDatabase;
  stop(): Promise<void>;
}

/** The settings of pgbouncer.ini that matter to tests. */
export interface PgBouncerSettings {
  readonly pool_mode?: 'session' | 'transaction' | 'statement';
  readonly default_pool_size?: number;
  /** Needs PgBouncer 1.21. Default: 0, as in all versions before 1.24. */
  readonly max_prepared_statements?: number;
}

/** The version that is installed, as `[1, 18]`. */
async function pgBouncerVersion(): Promise<readonly [major: number, minor: number]> {
  const { stdout } = await promisify(execFile)(EXECUTABLE, ['--version'], PATHS).catch(missing);
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout) ?? [];
  return [Number(major), Number(minor)];
}

/** Whether it can keep track of named statements, by the setting `max_prepared_statements`. */
export async function hasNamedStatements(): Promise<boolean> {
  const [major, minor] = await pgBouncerVersion();
  return major > 1 || minor >= 21;
}

/** Debian installs it where not every user's PATH leads. */
const PATHS = { env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } };

/** Starts PgBouncer on a free port: in transaction mode with 5 connections, unless set otherwise. */
export async function startPgBouncer(
  database: TestDatabase,
  settings: PgBouncerSettings = {},
): Promise<PgBouncer> {
  const tracking = (await hasNamedStatements()) ? { max_prepared_statements: 0 } : {};
  const folder = await mkdtemp(join(tmpdir(), 'river-pgbouncer-'));
  // As root it changes to another user, who has to read the file.
  await chmod(folder, 0o755);
  const file = join(folder, 'pgbouncer.ini');
  const port = await freePort();
  await writeFile(file, configuration(new URL(database.url), port, { ...tracking, ...settings }));
  const isRoot = process.getuid?.() === 0;
  const child = spawn(EXECUTABLE, ['-q', ...(isRoot ? ['-u', 'nobody'] : []), file], {
    ...PATHS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    // What SIGTERM does differs between versions.
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  };
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  try {
    await untilConnected(url.href, () => child.exitCode !== null);
  } catch (cause) {
    await stop();
    throw new Error(`PgBouncer did not start: ${output}`, { cause });
  }
  return { database: { ...database, url: url.href }, stop };
}

function configuration(target: URL, port: number, settings: PgBouncerSettings): string {
  const server = {
    host: target.hostname === 'localhost' ? '127.0.0.1' : target.hostname,
    port: target.port || '5432',
    user: decodeURIComponent(target.username),
    password: decodeURIComponent(target.password),
  };
  const parameters = Object.entries(server).map(([name, value]) => `${name}='${value}'`);
  const lines = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    max_client_conn: 200,
    pool_mode: 'transaction',
    default_pool_size: 5,
    ...settings,
  };
  return [
    '[databases]',
    `* = ${parameters.join(' ')}`,
    '[pgbouncer]',
    ...Object.entries(lines).map(([name, value]) => `${name} = ${value}`),
    '',
  ].join('\n');
}

/** Connects again and again: PgBouncer does not report when it listens. */
async function untilConnected(url: string, hasEnded: () => boolean): Promise<void> {
  const until = Date.now() + START_LIMIT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (error) {
      if (hasEnded() || Date.now() > until) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, '127.0.0.1'), 'listening');
  const { port } = probe.address() as AddressInfo;
  await once(probe.close(), 'close');
  return port;
}

function missing(cause: NodeJS.ErrnoException): never {
  throw cause.code === 'ENOENT' ? new Error(MISSING, { cause }) : cause;
}
