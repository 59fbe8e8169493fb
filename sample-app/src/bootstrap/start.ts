import type { Settings } from '../config/settings.js';
import { openDatabase } from '../database/open-database.js';
import { prepareDatabase } from '../database/prepare-database.js';
import { GoWorker } from '../worker/go-worker.js';
import { WorkerStatus } from '../worker/worker-status.js';
import { createApp } from './create-app.js';
import { log } from './log.js';
import { assertPortIsFree, portError } from './port.js';
import { publishDatabase } from './start-worker-only.js';
import type { Shutdown } from './shutdown.js';

/** Starts everything in the order in which one part needs another. */
export async function start(settings: Settings, shutdown: Shutdown): Promise<void> {
  await assertPortIsFree(settings);
  const database = await openDatabase(settings, shutdown);
  await prepareDatabase(database);
  await publishDatabase(database.url, settings);

  const status = new WorkerStatus();
  const app = await createApp({ databaseUrl: database.url, worker: status }, settings.host);
  shutdown.add('the application', () => app.close());
  await app.listen(settings.port, settings.host).catch((error: unknown) => {
    throw portError(settings.port, error);
  });

  const url = (await app.getUrl()).replace('127.0.0.1', 'localhost');
  log('');
  log(`page      ${url}`);
  log(`API docs  ${url}/docs`);
  log(`database  ${shown(database.url, settings)}`);
  log(`          ${database.where}`);
  log('stop      Ctrl-C');
  log('');

  const worker = new GoWorker(status);
  shutdown.add('the worker', () => worker.stop());
  worker.start(database.url);
}

/** Whoever may use the terminal may use the embedded database; the password of another one is a secret. */
function shown(url: string, settings: Settings): string {
  if (settings.databaseUrl === undefined) return url;
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}
