import { Inject } from '@nestjs/common';
import { getRiverClientToken, getRiverTransactionToken } from '../lib/tokens.js';

type InjectionDecorator = PropertyDecorator & ParameterDecorator;

/**
 * Injects the {@link RiverClient} of the module with this name.
 *
 * @example constructor(@InjectRiverClient('billing') private readonly river: RiverClient) {}
 */
export function InjectRiverClient(name?: string): InjectionDecorator {
  return Inject(getRiverClientToken(name));
}

/** Injects the {@link RiverTransaction} of the module with this name. */
export function InjectRiverTransaction(name?: string): InjectionDecorator {
  return Inject(getRiverTransactionToken(name));
}
