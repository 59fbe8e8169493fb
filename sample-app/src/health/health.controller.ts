import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { WorkerStatus, type WorkerState } from '../worker/worker-status.js';

interface Health {
  readonly status: 'ok';
  readonly worker: WorkerState;
  readonly workerInWords: string;
}

@ApiTags('overview')
@Controller('health')
export class HealthController {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(WorkerStatus) private readonly worker: WorkerStatus,
  ) {}

  /** Healthy means that jobs can be inserted; a worker that is away does not change that. */
  @Get()
  @ApiOperation({ summary: 'Whether the database answers, and what the worker does' })
  async health(): Promise<Health> {
    await this.dataSource.query('SELECT 1').catch((cause: unknown) => {
      throw new ServiceUnavailableException('The database does not answer.', { cause });
    });
    return { status: 'ok', worker: this.worker.state, workerInWords: this.worker.inWords };
  }
}
