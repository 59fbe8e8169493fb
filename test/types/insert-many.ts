import {
  InsertManyParams,
  jobArgs,
  type JobInsertResult,
  type JobRow,
  type RiverClient,
  type Transaction,
} from 'nestjs-river';
import { same, typeOf } from './same.js';

class SortArgs {
  constructor(readonly strings: string[]) {}
}
class MailArgs {
  constructor(
    readonly to: string,
    readonly at: Date,
  ) {}
}

export async function resultsOfATuple(river: RiverClient): Promise<void> {
  const [sort, mail, plain] = await river.insertMany([
    new SortArgs([]),
    InsertManyParams.of(new MailArgs('a@example.com', new Date()), { queue: 'slow' }),
    jobArgs('k', { n: 5n }),
  ]);
  typeOf(sort).is<JobInsertResult<SortArgs>>(true);
  typeOf(mail).is<JobInsertResult<MailArgs>>(true);
  typeOf(sort.job.args.strings).is<string[]>(true);
  typeOf(mail.job.args.at).is<string>(true);
  typeOf(plain.job.args.n).is<string | number>(true);
  typeOf(sort.job.id).is<string>(true);
  typeOf(sort.uniqueSkippedAsDuplicated).is<boolean>(true);
  // @ts-expect-error those are the args of the other job
  void sort.job.args.to;
  // @ts-expect-error three jobs were given
  void (await river.insertMany([new SortArgs([])]))[1];
}

export async function resultsOfAList(river: RiverClient, tx: Transaction): Promise<void> {
  const list = await river.insertMany([1, 2].map(() => new SortArgs([])));
  typeOf(list).is<JobInsertResult<SortArgs>[]>(true);
  const [inTransaction] = await river.insertManyTx(tx, [new MailArgs('a@example.com', new Date())]);
  typeOf(inTransaction).is<JobInsertResult<MailArgs>>(true);
  const mixed = await river.insertManyTx(tx, [] as (SortArgs | InsertManyParams<MailArgs>)[]);
  typeOf(mixed).is<JobInsertResult<SortArgs | MailArgs>[]>(true);
  const none = await river.insertMany([]);
  typeOf(none).is<[]>(true);
  // @ts-expect-error a job is an object
  await river.insertMany(['sort']);
  // @ts-expect-error one job is no list
  await river.insertMany(new SortArgs([]));
}

export async function resultOfOne(river: RiverClient, tx: Transaction): Promise<void> {
  const { job } = await river.insert(new MailArgs('a@example.com', new Date()));
  typeOf(job).is<JobRow<MailArgs>>(true);
  typeOf(job.args.at).is<string>(true);
  typeOf(job.scheduledAt).is<Date>(true);
  const inTransaction = await river.insertTx(tx, new SortArgs([]), { delay: 5 });
  typeOf(inTransaction).is<JobInsertResult<SortArgs>>(true);
  // @ts-expect-error rows are read-only
  job.priority = 1;
  // @ts-expect-error a transaction is a manager, a query runner or a client
  await river.insertTx('tx', new SortArgs([]));
}

export function optionsOfOneOfMany(): void {
  const params = InsertManyParams.of(new SortArgs([]), { uniqueOpts: { byArgs: ['strings'] } });
  typeOf(params).is<InsertManyParams<SortArgs>>(true);
  // @ts-expect-error the args have no such property
  InsertManyParams.of(new SortArgs([]), { uniqueOpts: { byArgs: ['string'] } });
  // @ts-expect-error delay and scheduledAt are one dimension
  InsertManyParams.of(new SortArgs([]), { delay: 5, scheduledAt: new Date() });
  // @ts-expect-error there is no such option
  InsertManyParams.of(new SortArgs([]), { que: 'slow' });
  // @ts-expect-error made by InsertManyParams.of
  new InsertManyParams(new SortArgs([]), {});
}

export function payloads(): void {
  const args = jobArgs('k', { a: 1 });
  typeOf(args.kind).is<string>(true);
  same<ReturnType<typeof args.toJSON>, { a: number }>(true);
  // @ts-expect-error a payload is an object
  jobArgs('k', 5);
  // @ts-expect-error a kind is a string
  jobArgs(5, {});
}
