import { ApiPropertyOptional } from '@nestjs/swagger';
import { JOB_STATES, type JobListParams, type JobState } from 'nestjs-river';

type OneOrMany<T> = T | readonly T[];

/** Which jobs `GET /jobs` lists. Each may be repeated: `?state=running&state=retryable`. */
export class JobsQuery {
  @ApiPropertyOptional({ enum: JOB_STATES, isArray: true })
  readonly state?: OneOrMany<JobState>;

  @ApiPropertyOptional({ type: String, isArray: true, example: ['sort'] })
  readonly kind?: OneOrMany<string>;

  @ApiPropertyOptional({ type: String, isArray: true, example: ['default'] })
  readonly queue?: OneOrMany<string>;

  @ApiPropertyOptional({ type: 'integer', default: 50, minimum: 1, maximum: 10_000 })
  readonly limit?: string;

  @ApiPropertyOptional({ description: 'The `next` of the page before, for the same filters' })
  readonly after?: string;
}

/** The library checks what is asked for, and its answer reaches the client by the RiverErrorFilter. */
export function listParams({ state, kind, queue, limit = '50', after }: JobsQuery): JobListParams {
  return {
    states: listOf(state),
    kinds: listOf(kind),
    queues: listOf(queue),
    sortOrder: 'desc',
    first: Number(limit),
    after,
  };
}

function listOf<T>(given: OneOrMany<T> | undefined): readonly T[] | undefined {
  return given === undefined ? undefined : ([given].flat() as T[]);
}
