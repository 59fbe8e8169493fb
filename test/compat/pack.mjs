import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustSucceed } from './command.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Built, packed and unpacked, in a folder outside of the repository.
 *
 * @param {string} place
 */
export async function pack(place) {
  const args = ['pack', '--silent', '--pack-destination', place];
  const output = await mustSucceed('npm', args, { cwd: ROOT, limitMs: 180_000 });
  const tarball = join(place, output.match(/\S+\.tgz/)?.[0] ?? '');
  await mustSucceed('tar', ['-xzf', tarball], { cwd: place, limitMs: 10_000 });
  return { tarball, unpacked: join(place, 'package') };
}
