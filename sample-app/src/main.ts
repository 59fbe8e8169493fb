import 'reflect-metadata';
import { Shutdown } from './bootstrap/shutdown.js';
import { StartError } from './bootstrap/start-error.js';
import { start } from './bootstrap/start.js';
import { readSettings } from './config/settings.js';

const shutdown = new Shutdown();
shutdown.onSignals();

try {
  await start(readSettings(process.env), shutdown);
} catch (error) {
  console.error(error instanceof StartError ? `\n${error.message}\n` : error);
  await shutdown.run();
  process.exit(1);
}
