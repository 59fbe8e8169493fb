import { Controller, Injectable, Post, Res, Sse, type Type } from '@nestjs/common';
import { RiverTransactional, TransactionManager } from 'nestjs-river';
import type { EntityManager } from 'typeorm';

@Controller('refused')
class Stream {
  @Sse()
  @RiverTransactional()
  async ticks(): Promise<unknown> {
    return undefined;
  }
}

@Controller('refused')
class AnswersByItself {
  @Post()
  @RiverTransactional({ retries: 1 })
  async create(@Res() _response: unknown): Promise<void> {}
}

@Injectable()
class NoHandler {
  @RiverTransactional()
  async create(@TransactionManager() _manager?: EntityManager): Promise<void> {}
}

/** Where @RiverTransactional() cannot work; the keys under which Nest keeps such facts are its own. */
export const REFUSED: Record<string, { controllers?: Type[]; providers?: Type[] }> = {
  'a stream of server-sent events': { controllers: [Stream] },
  'retries of a handler that answers by itself': { controllers: [AnswersByItself] },
  '@TransactionManager() on a method of a service': { providers: [NoHandler] },
};
