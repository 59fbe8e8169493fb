import type { RiverClient } from '../client/river-client.js';

/** By the data sources, and the mocks, of applications whose jobs are in memory. */
const readers = new WeakMap<object, RiverClient>();

/** From now on the jobs that `source` sees are those of a client in memory. */
export function readBy(source: object, client: RiverClient): void {
  readers.set(source, client);
}

export function forgetReader(source: object): void {
  readers.delete(source);
}

/** The client in memory that shows the jobs of the first of these that has one. */
export function readerOf(...sources: unknown[]): RiverClient | undefined {
  for (const source of sources) {
    const reader = Object(source) === source ? readers.get(source as object) : undefined;
    if (reader !== undefined) return reader;
  }
  return undefined;
}
