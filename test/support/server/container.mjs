import { GenericContainer, Wait } from 'testcontainers';
import { requireImage } from './docker-engine.mjs';

const START_LIMIT_MS = 120_000;

/**
 * Starts a throw-away container of a Postgres image. Fails, soon, when there is no Docker engine or
 * the image is neither there nor to be had.
 *
 * @param {string} image
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startContainer(image) {
  await requireImage(image);
  const container = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_USER: 'postgres', POSTGRES_PASSWORD: 'postgres' })
    .withCommand([
      'postgres',
      '-c',
      'fsync=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'max_connections=200',
    ])
    .withTmpFs({ '/var/lib/postgresql': 'rw' })
    .withExposedPorts(5432)
    // The images listen on TCP only once their first start, which prepares the data, is over.
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_LIMIT_MS)
    .start();
  const address = `${container.getHost()}:${container.getMappedPort(5432)}`;
  return {
    url: `postgres://postgres:postgres@${address}/postgres`,
    stop: async () => {
      await container.stop({ timeout: 0 });
    },
  };
}
