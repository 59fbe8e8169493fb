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
  // What is stopped while it starts fails in many ways, none of them worth a word.
  if (!shutdown.isUnderWay)
    console.error(error instanceof StartError ? `\n${error.message}\n` : error);
  await shutdown.run();
  process.exit(1);
}
