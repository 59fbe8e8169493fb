import pg from 'pg';
import { RiverMigrator } from '../migrations/river-migrator.js';
import { schemaOf, type FlagValues } from './flags.js';
import { type Terminal, UsageError } from './terminal.js';

/** Runs `work` with a migrator on the database that the flags or the environment name. */
export async function withMigrator(
  flags: FlagValues,
  { env }: Terminal,
  work: (migrator: RiverMigrator) => Promise<number>,
): Promise<number> {
  const { name: schema } = schemaOf(flags);
  const client = new pg.Client({
    connectionString: databaseUrl(flags, env),
    application_name: 'nestjs-river',
  });
  // A connection that breaks fails the statement under way, or the next one: that is told.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(new RiverMigrator(client, { schema }));
  } finally {
    await client.end();
  }
}

/** Undefined where the variables of libpq say it, which `pg` reads itself. */
function databaseUrl(flags: FlagValues, env: Terminal['env']): string | undefined {
  const url = flags['database-url'] ?? env['DATABASE_URL'];
  if (url === undefined || url === '') {
    if (env['PGDATABASE']) return undefined;
    throw new UsageError(
      'which database? Give --database-url, or set DATABASE_URL, or PGDATABASE and its like',
    );
  }
  // The URL itself is never printed, since it may hold a password.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError('the URL of the database must look like postgres://user@host:5432/name');
  }
  return url;
}
