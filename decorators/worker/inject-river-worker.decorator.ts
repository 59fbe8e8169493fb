import { Inject } from '@nestjs/common';
import { getRiverWorkerToken } from '../../lib/tokens.js';

/** Injects the {@link RiverWorker} of the client of this name. */
export function InjectRiverWorker(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getRiverWorkerToken(name));
}
