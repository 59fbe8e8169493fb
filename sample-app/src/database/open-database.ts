import { log } from '../bootstrap/log.js';
import type { Shutdown } from '../bootstrap/shutdown.js';
import type { Settings } from '../config/settings.js';
import type { Database } from './database.js';
import { startEmbedded } from './embedded/embedded-database.js';
import { choosePlace } from './embedded/place.js';

/** The database named by DATABASE_URL, or else a Postgres that this application starts itself. */
export async function openDatabase(settings: Settings, shutdown: Shutdown): Promise<Database> {
  if (settings.databaseUrl !== undefined) {
    return { url: settings.databaseUrl, where: 'from DATABASE_URL' };
  }
  const place = await choosePlace(settings);
  place.notes.forEach((note) => log(note));
  log(`starting Postgres (data in ${place.data}) ...`);
  return startEmbedded(place, shutdown);
}
