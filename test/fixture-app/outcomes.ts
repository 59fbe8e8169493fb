import { EventEmitter, once } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import { RiverTransaction } from 'nestjs-river';

export type Outcome = 'committed' | 'rolled back';

/** Tells how the transactions of handlers ended that answer to nobody, after their end. */
@Injectable()
export class Outcomes {
  readonly #ends = new EventEmitter();

  constructor(@Inject(RiverTransaction) private readonly transaction: RiverTransaction) {}

  follow(item: string): void {
    this.transaction.afterCommit(() => this.#ends.emit(item, 'committed'));
    this.transaction.afterRollback(() => this.#ends.emit(item, 'rolled back'));
  }

  async of(item: string): Promise<Outcome> {
    const [outcome] = (await once(this.#ends, item)) as [Outcome];
    return outcome;
  }
}
