import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { StartError } from '../../bootstrap/start-error.js';
import { paths } from '../../config/paths.js';
import type { Settings } from '../../config/settings.js';
import { canReach } from './can-reach.js';
import { nativeFolder } from './native-folder.js';
import { ownerOf, systemUser, type SystemUser } from './system-user.js';

/** Where the embedded Postgres lives and as whom it runs. */
export interface Place {
  /** Folder of the data folder, the log and the keeper's pid. */
  readonly home: string;
  /** Postgres' own data folder. */
  readonly data: string;
  /** Folder of Postgres' programs (`bin`, `lib`, `share`). */
  readonly native: string;
  /** Undefined: as the user who runs the application. */
  readonly user: SystemUser | undefined;
  /** What a person should know about the choice, if anything. */
  readonly notes: readonly string[];
}

/**
 * Postgres refuses to run as root, so for root it runs as another user, who must be able to reach
 * its data and its programs. Below `/root` or a private temporary folder that user cannot: then
 * both move to a place of their own.
 */
export async function choosePlace(settings: Settings): Promise<Place> {
  const user = await systemUser();
  const wanted = await makeFolder(settings.dataFolder, user);
  const notes: string[] = [];
  let home = wanted;
  if (!(await canReach(wanted, user))) {
    if (settings.dataFolderGiven) throw unreachable(wanted, user);
    home = await makeFolder(elsewhere(), user);
    notes.push(`${wanted} is closed to the user ${user?.name}, so the data is in ${home}.`);
  }
  const native = await nativeFolder(user, elsewhere());
  if (native.copied) {
    notes.push(
      `Postgres runs from a copy that the user ${user?.name} can reach, ${native.folder}.`,
    );
  }
  const data = join(home, 'postgres');
  return { home, data, native: native.folder, user: (await ownerOf(data)) ?? user, notes };
}

/** One folder per clone, so that two clones do not share their data. */
function elsewhere(): string {
  const clone = createHash('sha256').update(paths.root).digest('hex').slice(0, 8);
  return join('/var/lib/nestjs-river-sample', clone);
}

/** A strict umask would close new folders to the user whom they are made for. */
async function makeFolder(folder: string, user: SystemUser | undefined): Promise<string> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined || user === undefined) return folder;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await chmod(made, 0o755);
  }
  return folder;
}

function unreachable(folder: string, user: SystemUser | undefined): StartError {
  return new StartError(
    `SAMPLE_DATA_DIR is ${folder}, but Postgres, which runs as the user ${user?.name} because it ` +
      'refuses to run as root, cannot reach it. Open the way to it (chmod o+x), or choose another.',
  );
}
