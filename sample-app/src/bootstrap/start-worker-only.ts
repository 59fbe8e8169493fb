import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import type { Settings } from '../config/settings.js';
import { WorkerStatus } from '../worker/worker-status.js';
import { log } from './log.js';
import type { Shutdown } from './shutdown.js';
import { StartError } from './start-error.js';

/** Where the application that is running says how its database is reached. */
const urlFileOf = ({ dataFolder }: Settings): string => join(dataFolder, 'database-url');

/** Works jobs of the application that is running in another process, without a page or Go. */
export async function startWorkerOnly(settings: Settings, shutdown: Shutdown): Promise<void> {
  const databaseUrl =
    settings.databaseUrl ?? (await readFile(urlFileOf(settings), 'utf8').catch(none));
  if (databaseUrl === undefined) {
    throw new StartError(
      'There is no application whose jobs could be worked. Start one by `npm start`, or set DATABASE_URL.',
    );
  }
  const app = await NestFactory.createApplicationContext(
    AppModule.with({ databaseUrl, worker: new WorkerStatus() }),
    { logger: ['warn', 'error', 'fatal'], abortOnError: false },
  );
  shutdown.add('the worker', () => app.close());
  log('working jobs; stop: Ctrl-C');
}

/** For processes with `--worker-only`. The URL holds a password, so nobody else may read it. */
export async function publishDatabase(url: string, settings: Settings): Promise<void> {
  await writeFile(urlFileOf(settings), url, { mode: 0o600 });
}

function none(): undefined {
  return undefined;
}
