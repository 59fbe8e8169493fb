import type { Observable } from 'rxjs';
import {
  InjectRiverClient,
  InjectRiverTransaction,
  RiverTransactional,
  UniqueArg,
  type RiverClient,
  type RiverTransaction,
} from 'nestjs-river';

export class Service {
  @InjectRiverClient('billing') readonly billing!: RiverClient;

  constructor(
    @InjectRiverClient() readonly river: RiverClient,
    @InjectRiverTransaction('billing') readonly transaction: RiverTransaction,
  ) {}

  @RiverTransactional()
  async later(): Promise<number> {
    return 1;
  }

  @RiverTransactional({ name: 'billing' })
  @RiverTransactional()
  async twice(_id: string): Promise<void> {}

  @RiverTransactional()
  handler(): Observable<number> {
    throw new Error('never run');
  }

  // @ts-expect-error the transaction would make a promise of what the method answers
  @RiverTransactional()
  atOnce(): number {
    return 1;
  }

  // @ts-expect-error there is no such option
  @RiverTransactional({ client: 'billing' })
  async wrongOption(): Promise<void> {}

  // @ts-expect-error a property is no method
  @RiverTransactional()
  readonly property = 1;
}

export class Args {
  @UniqueArg() readonly id!: string;
  @UniqueArg(() => Args) readonly nested?: Args;

  // @ts-expect-error a class is given by a function, since it may be declared further down
  @UniqueArg(Args) readonly direct?: Args;
}

export class Written {
  // @ts-expect-error a getter is not in the JSON
  @UniqueArg()
  get month(): string {
    return '2026-11';
  }

  // @ts-expect-error nor is a method
  @UniqueArg()
  day(): string {
    return '2026-11-21';
  }

  // A private property is.
  @UniqueArg() private readonly secret = 1;

  reveal(): number {
    return this.secret;
  }
}

export class Renamed {
  // @ts-expect-error toJSON() writes no such key
  @UniqueArg() readonly customerId: number = 1;
  @UniqueArg() readonly month: string = '2026-11';

  @UniqueArg() get year(): string {
    return this.month.slice(0, 4);
  }

  toJSON() {
    return { customer_id: this.customerId, month: this.month, year: this.year };
  }
}

export class Untyped {
  @UniqueArg() readonly id: number = 1;

  toJSON(): Record<string, unknown> {
    return { id: this.id };
  }
}

export class Objects {
  @UniqueArg() readonly id: number = 1;

  toJSON(): object {
    return { id: this.id };
  }
}
