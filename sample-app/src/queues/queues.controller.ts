import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { RiverClient, type QueueStats } from 'nestjs-river';

@ApiTags('queues')
@Controller('queues')
export class QueuesController {
  constructor(private readonly river: RiverClient) {}

  @Get()
  @ApiOperation({ summary: 'How every queue is doing' })
  list(): Promise<QueueStats[]> {
    return this.river.queueStats();
  }

  @Post(':name/pause')
  @HttpCode(204)
  @ApiOperation({ summary: 'Let the workers of a queue take no more jobs; `*` is all queues' })
  pause(@Param('name') name: string): Promise<void> {
    return this.river.queuePause(name);
  }

  @Post(':name/resume')
  @HttpCode(204)
  @ApiOperation({ summary: 'Let them take jobs again' })
  resume(@Param('name') name: string): Promise<void> {
    return this.river.queueResume(name);
  }
}
