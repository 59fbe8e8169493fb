import { InsertManyParams, type RiverClient, type Transaction } from 'nestjs-river';

class SortArgs {
  constructor(readonly strings: string[]) {}
}

/** Properties that arrays, functions and thenables have as well. */
interface Parcel {
  readonly kind: 'parcel';
  readonly length: number;
  readonly name: string;
  readonly then: string;
}

export async function rejectedAsArgs(river: RiverClient, tx: Transaction): Promise<void> {
  const promise = Promise.resolve(new SortArgs([]));
  // @ts-expect-error a list is for insertMany
  await river.insert([new SortArgs([])]);
  // @ts-expect-error the promise is to be awaited
  await river.insert(promise);
  // @ts-expect-error a class is not its instance
  await river.insert(SortArgs);
  // @ts-expect-error a function is not args
  await river.insertTx(tx, () => new SortArgs([]));
  // @ts-expect-error JSON makes nothing of a Map
  await river.insert(new Map([['strings', ['a']]]));
  // @ts-expect-error a class is not its instance
  await river.insertAndWait(SortArgs);
  // @ts-expect-error a class is not its instance
  await river.explainUnique(SortArgs);
}

export async function rejectedAsItems(river: RiverClient, tx: Transaction): Promise<void> {
  const promise = Promise.resolve(new SortArgs([]));
  // @ts-expect-error a class is not its instance
  await river.insertMany([new SortArgs([]), SortArgs]);
  // @ts-expect-error the promises are to be awaited
  await river.insertManyTx(tx, [promise]);
  // @ts-expect-error lists of lists are not flattened
  await river.insertMany([[new SortArgs([])]]);
  // @ts-expect-error the promises are to be awaited
  await river.insertManyFast([promise]);
  // @ts-expect-error a class is not its instance
  InsertManyParams.of(SortArgs);
}

export async function accepted<T extends object>(
  river: RiverClient,
  args: { readonly generic: T; readonly any: object; readonly record: Record<string, unknown> },
  either: SortArgs | Parcel,
): Promise<void> {
  await river.insert(args.generic);
  await river.insert(args.any);
  await river.insert(args.record);
  await river.insert(either);
  await river.insert({ kind: 'sort', strings: [] });
  await river.insertMany([args.generic, args.any, either]);
  InsertManyParams.of(args.any, { uniqueOpts: { byArgs: ['any.path'] } });
}
