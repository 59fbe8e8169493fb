import { jobArgs, type JobResult, type JobRow, type RiverClient } from 'nestjs-river';
import { typeOf } from './same.js';

class SortArgs {
  constructor(readonly strings: string[]) {}
}
interface Sorted {
  readonly sorted: string[];
}

export async function results(river: RiverClient, job: JobRow<SortArgs>): Promise<void> {
  typeOf((await river.waitFor(1n)).output).is<unknown>(true);
  typeOf(await river.waitFor<Sorted>(job)).is<JobResult<Sorted>>(true);
  typeOf(await river.waitFor<Sorted, SortArgs>(job)).is<JobResult<Sorted, SortArgs>>(true);
  await river.waitFor('42', { timeoutMs: null, signal: AbortSignal.timeout(5) });

  const known = await river.insertAndWait(new SortArgs([]));
  typeOf(known.job).is<JobRow<SortArgs>>(true);
  typeOf(known.output).is<unknown>(true);
  const { job: row, output } = await river.insertAndWait<Sorted, SortArgs>(new SortArgs([]));
  typeOf(row.args.strings).is<string[]>(true);
  typeOf(output).is<Sorted>(true);
  // One type alone is the output's: the args are then those of any job.
  const any = await river.insertAndWait<Sorted>(jobArgs('sort', {}), {
    uniqueOpts: { byArgs: ['strings'] },
  });
  typeOf(any.output.sorted).is<string[]>(true);
  typeOf(any.uniqueSkippedAsDuplicated).is<boolean>(true);
}

export async function refusals(river: RiverClient): Promise<void> {
  // @ts-expect-error the args have no such property
  await river.insertAndWait(new SortArgs([]), { uniqueOpts: { byArgs: ['string'] } });
  // @ts-expect-error there is no such option
  await river.waitFor(1n, { timeout: 5 });
  // @ts-expect-error a result of an insert is no job; its `job` is one
  await river.waitFor(await river.insert(new SortArgs([])));
}
