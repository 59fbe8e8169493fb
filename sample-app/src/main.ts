import 'reflect-metadata';
import { Shutdown } from './bootstrap/shutdown.js';
import { StartError } from './bootstrap/start-error.js';
import { start } from './bootstrap/start.js';
import { startWorkerOnly } from './bootstrap/start-worker-only.js';
import { readSettings } from './config/settings.js';

const shutdown = new Shutdown();
shutdown.onSignals();

try {
  const begin = process.argv.includes('--worker-only') ? startWorkerOnly : start;
  await begin(readSettings(process.env), shutdown);
} catch (error) {
  // What is stopped while it starts fails in many ways, none of them worth a word.
  if (!shutdown.isUnderWay)
    console.error(error instanceof StartError ? `\n${error.message}\n` : error);
  await shutdown.run();
  process.exit(1);
}
