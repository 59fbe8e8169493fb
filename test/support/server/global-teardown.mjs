import { runState, SERVER_VARIABLE } from './run-state.mjs';
import { dropDatabases } from './template.mjs';

/** Runs once, after the last test file: drops what is left and stops the server. */
export default async function globalTeardown() {
  try {
    await dropDatabases(JSON.parse(process.env[SERVER_VARIABLE] ?? ''));
  } finally {
    await runState.server?.stop();
  }
}
