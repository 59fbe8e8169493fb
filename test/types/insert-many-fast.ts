import {
  InsertManyParams,
  jobArgs,
  type InsertManyFastResult,
  type RiverClient,
  type Transaction,
} from 'nestjs-river';
import { typeOf } from './same.js';

class SortArgs {
  constructor(readonly strings: string[]) {}
}

async function* later(): AsyncGenerator<SortArgs | InsertManyParams<SortArgs>> {
  yield await Promise.resolve(new SortArgs([]));
  yield InsertManyParams.of(new SortArgs([]), { queue: 'slow' });
}

export async function whatItTakes(river: RiverClient, tx: Transaction): Promise<void> {
  const result = await river.insertManyFast([new SortArgs([]), jobArgs('k', { n: 1 })]);
  typeOf(result).is<InsertManyFastResult>(true);
  await river.insertManyFast(new Set([new SortArgs([])]), { onConflict: 'skip' });
  await river.insertManyFastTx(tx, later(), {
    onProgress: async (sent) => void (await Promise.resolve(sent)),
    signal: AbortSignal.timeout(1),
  });
  // @ts-expect-error a text hands out letters, which are no args
  await river.insertManyFast('sort');
  // @ts-expect-error args are no list
  await river.insertManyFast(new SortArgs([]));
  // @ts-expect-error there is no such answer to a conflict
  await river.insertManyFast([], { onConflict: 'update' });
}
