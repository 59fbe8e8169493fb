import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { JOB_STATES, type JobRow } from 'nestjs-river';
import { NEST_CLIENT } from './nest-client.js';

/** A job as the API tells it: what the page shows of a row of `river_job`. */
export class JobView {
  @ApiProperty({ description: 'Text, because ids are 64-bit integers', example: '42' })
  readonly id!: string;

  @ApiProperty({ example: 'sort' })
  readonly kind!: string;

  @ApiProperty({ enum: JOB_STATES, example: 'completed' })
  readonly state!: string;

  @ApiProperty({ example: 'default' })
  readonly queue!: string;

  @ApiProperty({ example: 1 })
  readonly priority!: number;

  @ApiProperty({ type: Object, example: { strings: ['whale', 'tiger', 'bear'] } })
  readonly args!: unknown;

  @ApiProperty({ type: Object, nullable: true, example: { sorted: ['bear', 'tiger', 'whale'] } })
  readonly output!: unknown;

  @ApiProperty({ nullable: true, description: 'Of the latest attempt that failed' })
  readonly error!: string | null;

  @ApiProperty({ example: 1 })
  readonly attempt!: number;

  @ApiProperty({ enum: ['Nest', 'Go'], nullable: true, description: 'Who has worked it last' })
  readonly workedBy!: 'Nest' | 'Go' | null;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiProperty()
  readonly scheduledAt!: Date;

  @ApiProperty({ type: Date, nullable: true })
  readonly finalizedAt!: Date | null;

  static of(job: JobRow): JobView {
    const { id, kind, state, queue, priority, args, attempt } = job;
    const { createdAt, scheduledAt, finalizedAt, errors } = job;
    // No client writes JSON `null` there, but the column can hold it.
    const metadata: Metadata | null = job.metadata;
    const output = metadata?.output ?? null;
    const error = errors.at(-1)?.error ?? null;
    const client = job.attemptedBy.at(-1);
    const workedBy = client === undefined ? null : client.startsWith(NEST_CLIENT) ? 'Nest' : 'Go';
    const times = { createdAt, scheduledAt, finalizedAt };
    return { id, kind, state, queue, priority, args, output, error, attempt, workedBy, ...times };
  }
}

/** What of a job's metadata is on show: the worker's `river.RecordOutput` writes it. */
interface Metadata {
  readonly output?: unknown;
}

/** A page of jobs, newest first. */
export class JobPage {
  @ApiProperty({ type: JobView, isArray: true })
  readonly jobs!: JobView[];

  @ApiPropertyOptional({ description: 'Give it as `after` for the page of older jobs' })
  readonly next?: string | undefined;
}
