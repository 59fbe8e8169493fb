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
