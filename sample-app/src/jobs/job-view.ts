import { ApiProperty } from '@nestjs/swagger';

/** A job as `GET /jobs` tells it. */
export class JobView {
  @ApiProperty({ description: 'Text, because ids are 64-bit integers', example: '42' })
  readonly id!: string;

  @ApiProperty({ example: 'sort' })
  readonly kind!: string;

  @ApiProperty({ example: 'completed' })
  readonly state!: string;

  @ApiProperty({ example: 'default' })
  readonly queue!: string;

  @ApiProperty({ example: 1 })
  readonly priority!: number;

  @ApiProperty({ type: Object, example: { strings: ['whale', 'tiger', 'bear'] } })
  readonly args!: unknown;

  @ApiProperty({ type: Object, nullable: true, example: { sorted: ['bear', 'tiger', 'whale'] } })
  readonly output!: unknown;

  @ApiProperty({ example: 1 })
  readonly attempt!: number;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiProperty()
  readonly scheduledAt!: Date;

  @ApiProperty({ type: Date, nullable: true })
  readonly finalizedAt!: Date | null;
}
