import { JobArgs } from 'nestjs-river';

/** Sorts strings. `delayMs` makes the worker take its time, so that one can watch it. */
@JobArgs('sort', { maxAttempts: 5 })
export class SortArgs {
  constructor(
    readonly strings: readonly string[],
    readonly delayMs?: number,
  ) {}
}
