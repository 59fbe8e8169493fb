import pg from 'pg';
import { provision } from '../support/server/provision.mjs';
import { createTemplate, dropDatabases } from '../support/server/template.mjs';

/**
 * A real Postgres with River's tables: `TEST_DATABASE_URL` if set, else the embedded one.
 *
 * @returns {Promise<{ description: string, create: () => Promise<string>, createEmpty: () => Promise<string>, stop: () => Promise<void> }>}
 */
export async function startDatabases() {
  const server = await provision({ TEST_POSTGRES: 'embedded', ...process.env });
  const template = await createTemplate(server.url).catch(async (error) => {
    await server.stop();
    throw error;
  });
  let count = 0;
  /** @param {string} from */
  const copy = async (from) => {
    const name = `${template.prefix}compat_${++count}`;
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(`create database "${name}" template "${from}"`);
    await client.end();
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    return url.href;
  };
  return {
    description: server.description,
    create: () => copy(template.template),
    createEmpty: () => copy('template0'),
    async stop() {
      await dropDatabases(template).finally(() => server.stop());
    },
  };
}
