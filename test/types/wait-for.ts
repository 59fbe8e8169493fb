import { jobArgs, type JobResult, type JobRow, type RiverClient } from 'nestjs-river';
import { same, typeOf } from './same.js';

class SortArgs {
  constructor(readonly strings: string[]) {}
}
interface Sorted {
  readonly sorted: string[];
}
declare function parseOutput(output: unknown): Sorted;

export async function results(river: RiverClient, job: JobRow<SortArgs>): Promise<void> {
  typeOf((await river.waitFor(1n)).output).is<unknown>(true);
  typeOf((await river.waitFor(1n)).job).is<JobRow>(true);
  typeOf((await river.waitFor(job)).job).is<JobRow<SortArgs>>(true);
  typeOf((await river.waitFor(job, { parseOutput })).output).is<Sorted>(true);
  typeOf((await river.waitFor(job, { parseOutput })).job.args.strings).is<string[]>(true);
  typeOf(await river.waitFor('42', { parseOutput: Number })).is<JobResult<number>>(true);
  await river.waitFor('42', { timeoutMs: null, signal: AbortSignal.timeout(5) });

  const known = await river.insertAndWait(new SortArgs([]));
  typeOf(known.job).is<JobRow<SortArgs>>(true);
  typeOf(known.output).is<unknown>(true);
  const both = await river.insertAndWait(new SortArgs([]), { queue: 'slow' }, { parseOutput });
  typeOf(both.job.args.strings).is<string[]>(true);
  same<typeof both.output, Sorted>(true);
  const any = await river.insertAndWait(jobArgs('sort', {}), {
    uniqueOpts: { byArgs: ['strings'] },
  });
  typeOf(any.uniqueSkippedAsDuplicated).is<boolean>(true);
}

export async function refusals(river: RiverClient, job: JobRow<SortArgs>): Promise<void> {
  const wrongPath = { uniqueOpts: { byArgs: ['nope'] } } as const;
  // @ts-expect-error the args have no such property
  await river.insertAndWait(new SortArgs([]), wrongPath);
  // @ts-expect-error the args have no such property, whatever the output is
  await river.insertAndWait(new SortArgs([]), wrongPath, { parseOutput });
  // @ts-expect-error a type alone does not check the output
  await river.insertAndWait<Sorted>(new SortArgs([]), wrongPath);
  // @ts-expect-error a type alone does not check the output
  await river.waitFor<Sorted>(job);
  // @ts-expect-error there is no such option
  await river.waitFor(1n, { timeout: 5 });
  // @ts-expect-error there is no such option
  await river.waitFor(1n, { timeout: 5, parseOutput });
  // @ts-expect-error a result of an insert is not a job; its `job` is one
  await river.waitFor(await river.insert(new SortArgs([])));
}
