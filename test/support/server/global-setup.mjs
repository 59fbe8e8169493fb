import { provision } from './provision.mjs';
import { runState, SERVER_VARIABLE } from './run-state.mjs';
import { createTemplate } from './template.mjs';

/** Runs once, before the first test file: a server, and on it the template of all test databases. */
export default async function globalSetup() {
  const server = await provision(process.env);
  try {
    const testServer = await createTemplate(server.url);
    process.env[SERVER_VARIABLE] = JSON.stringify(testServer);
    runState.server = server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}
