import { resolve } from 'node:path';
import { StartError } from '../bootstrap/start-error.js';
import { paths } from './paths.js';

/** What the environment can change. */
export interface Settings {
  readonly port: number;
  /** Where it listens. The loopback interface, unless HOST says otherwise: it does not ask for a login. */
  readonly host: string;
  /** Undefined: the sample brings its own Postgres. */
  readonly databaseUrl: string | undefined;
  readonly dataFolder: string;
  /** Whether `dataFolder` was asked for, so that it must not be replaced by another. */
  readonly dataFolderGiven: boolean;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const dataFolder = given(env['SAMPLE_DATA_DIR']);
  return {
    port: readPort(given(env['PORT'])),
    host: given(env['HOST']) ?? '127.0.0.1',
    databaseUrl: given(env['DATABASE_URL']),
    dataFolder: dataFolder === undefined ? paths.dataFolder : resolve(dataFolder),
    dataFolderGiven: dataFolder !== undefined,
  };
}

/** An empty variable counts as none: that is how compose files and CI unset one. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}

function readPort(text: string | undefined): number {
  if (text === undefined) return 3000;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new StartError(`PORT must be a number from 0 to 65535, but is "${text}".`);
}
