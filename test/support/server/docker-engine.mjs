import { request } from 'node:http';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Looks at the Docker engine before Testcontainers does, because its own search and pull have no
 * limit of time. Speaks the engine's HTTP interface, so no command line tool is needed.
 */
const PROBE_LIMIT_MS = 2_000;
/** A pull may take long, but not without a word: this is the longest silence that is accepted. */
const PULL_SILENCE_MS = 20_000;

/** Why there is no image to start: a short reason, fit for the last lines of a run. */
export class NoImageError extends Error {}

/**
 * Resolves when an engine answers and has the image, pulling it if need be.
 *
 * @param {string} image
 * @returns {Promise<void>}
 */
export async function requireImage(image) {
  const engine = engineAddress(process.env);
  const ping = await ask(engine, 'GET', '/_ping', PROBE_LIMIT_MS).catch(() => undefined);
  if (ping?.status !== 200) throw new NoImageError('no Docker engine answers');
  if (await hasImage(engine, image)) return;
  const [name, tag] = splitTag(image);
  const pull = await ask(
    engine,
    'POST',
    `/images/create?fromImage=${encodeURIComponent(name)}&tag=${encodeURIComponent(tag)}`,
    PULL_SILENCE_MS,
  ).catch(() => undefined);
  // The engine answers 200 before it knows whether the pull succeeds, so only the image counts.
  if (pull === undefined || !(await hasImage(engine, image))) {
    throw new NoImageError(`the image ${image} is not there and cannot be pulled`);
  }
}

/** @typedef {{ socketPath: string } | { host: string, port: number }} EngineAddress */

/** @param {NodeJS.ProcessEnv} environment @returns {EngineAddress} */
function engineAddress(environment) {
  const host = environment['DOCKER_HOST'];
  if (host?.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  if (host) {
    const { hostname, port } = new URL(host);
    return { host: hostname, port: Number(port || 2375) };
  }
  const candidates = [
    '/var/run/docker.sock',
    join(environment['XDG_RUNTIME_DIR'] ?? '/run', 'docker.sock'),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ];
  return { socketPath: candidates.find((path) => existsSync(path)) ?? '/var/run/docker.sock' };
}

/** @param {EngineAddress} engine @param {string} image */
async function hasImage(engine, image) {
  const answer = await ask(engine, 'GET', `/images/${image}/json`, PROBE_LIMIT_MS);
  return answer.status === 200;
}

/** @param {string} image @returns {[name: string, tag: string]} A colon before a slash belongs to a registry's port. */
function splitTag(image) {
  const colon = image.lastIndexOf(':');
  if (colon <= image.lastIndexOf('/')) return [image, 'latest'];
  return [image.slice(0, colon), image.slice(colon + 1)];
}

/**
 * @param {EngineAddress} engine
 * @param {string} method
 * @param {string} path
 * @param {number} silenceLimitMs
 * @returns {Promise<{ status: number | undefined }>} Resolves at the end of the answer's body.
 */
function ask(engine, method, path, silenceLimitMs) {
  return new Promise((resolve, reject) => {
    const call = request(
      { ...engine, method, path, timeout: silenceLimitMs, agent: false },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve({ status: answer.statusCode }));
        answer.once('error', reject);
      },
    );
    call.once('timeout', () => call.destroy(new Error('the Docker engine is silent')));
    call.once('error', reject);
    call.end();
  });
}
