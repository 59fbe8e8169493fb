import type { ClientInserts } from './client-inserts.js';
import type { JobResults } from './wait/job-results.js';

/** What a worker in the same process uses of a client. */
export interface ClientParts {
  readonly inserts: ClientInserts;
  readonly results: JobResults;
}

const partsOfClients = new WeakMap<object, ClientParts>();

export function setParts(client: object, parts: ClientParts): void {
  partsOfClients.set(client, parts);
}

export function partsOf(client: object): ClientParts {
  const parts = partsOfClients.get(client);
  if (parts === undefined)
    throw new TypeError('The client was made by another copy of nestjs-river');
  return parts;
}
