import { buildIfStale } from './build.mjs';
import { provision } from './provision.mjs';
import { runState, SERVER_VARIABLE } from './run-state.mjs';

/**
 * Runs once, before the first test file of the project `database`: a build of what is tested, a
 * server, and on it the template of all test databases.
 */
export default async function globalSetup() {
  await buildIfStale();
  const server = await provision(process.env);
  try {
    // Loads the build, so it cannot be imported before there is one.
    const { createTemplate } = await import('./template.mjs');
    process.env[SERVER_VARIABLE] = JSON.stringify(await createTemplate(server.url));
    runState.server = server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}
