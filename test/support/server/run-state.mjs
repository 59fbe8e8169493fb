/**
 * What this Jest run knows about itself: the server it started and how the tests ended. Set-up,
 * reporter and teardown all run in Jest's parent process, so one module is enough to share it.
 *
 * @typedef {object} Server
 * @property {string} url Administrator's URL of the server's maintenance database.
 * @property {string} description For people: `embedded PostgreSQL 18.4`.
 * @property {() => Promise<void>} stop Ends the server and removes its files. Does nothing for a server that was given.
 *
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/** @type {{ server?: Server, counts?: Counts }} */
export const runState = {};

/**
 * The environment variable through which test files learn where their server is.
 * Its value is the JSON of {@link TestServer}.
 */
export const SERVER_VARIABLE = 'RIVER_TEST_SERVER';

/**
 * @typedef {object} TestServer
 * @property {string} url
 * @property {string} prefix Every database of this run starts with it, so that runs can share a server.
 * @property {string} template Name of the database that has River's tables and takes no connections.
 */
