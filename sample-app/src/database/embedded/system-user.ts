import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { StartError } from '../../bootstrap/start-error.js';

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/**
 * The user Postgres is to run as when the application runs as root: `postgres` where there is one,
 * else `nobody`, who is everywhere. No user is made: a sample should leave no trace in the system.
 */
export async function systemUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = (await lookUp('postgres')) ?? (await lookUp('nobody'));
  if (user !== undefined) return user;
  throw new StartError(
    'Postgres refuses to run as root, and there is neither a user postgres nor nobody. Start as ' +
      'another user, or set DATABASE_URL to a Postgres of your own.',
  );
}

/**
 * Who owns a data folder that is there already: only its owner can start it, and for root the
 * choice of today need not be that of the first start.
 */
export async function ownerOf(folder: string): Promise<SystemUser | undefined> {
  const found = await stat(folder).catch(() => undefined);
  const me = process.getuid?.();
  if (found === undefined || me === undefined || found.uid === me) return undefined;
  if (me === 0) return { uid: found.uid, gid: found.gid, name: `with the id ${found.uid}` };
  throw new StartError(
    `${folder} belongs to another user (id ${found.uid}). Start as that user, or choose another ` +
      'folder: SAMPLE_DATA_DIR=... npm start',
  );
}

async function lookUp(name: string): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)]);
    return { uid, gid, name };
  } catch {
    return undefined;
  }
}

async function idOf(flag: '-u' | '-g', name: string): Promise<number> {
  const { stdout } = await promisify(execFile)('id', [flag, name]);
  return Number(stdout);
}
