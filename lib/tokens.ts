import { RiverConfigurationError } from './errors/setup-errors.js';
import { describeValue } from './errors/describe-value.js';

/** Name of the client of a `forRoot()` that gives none. */
export const DEFAULT_RIVER_NAME = 'default';

/**
 * The injection token of a client: a pure function of its name.
 *
 * @param name as given to `RiverModule.forRoot({ name })`
 */
export function getRiverClientToken(name: string = DEFAULT_RIVER_NAME): symbol {
  return token('RiverClient', name);
}

/** The injection token of the transaction helper that belongs to the client of this name. */
export function getRiverTransactionToken(name: string = DEFAULT_RIVER_NAME): symbol {
  return token('RiverTransaction', name);
}

/** The injection token of the worker of the client of this name, of `nestjs-river/worker`. */
export function getRiverWorkerToken(name: string = DEFAULT_RIVER_NAME): symbol {
  return token('RiverWorker', name);
}

/** @internal What a worker needs of the client of this name. */
export function getRiverRuntimeToken(name: string = DEFAULT_RIVER_NAME): symbol {
  return token('RiverRuntime', name);
}

function token(of: string, name: unknown): symbol {
  if (typeof name === 'string') return Symbol.for(`nestjs-river.${of}.${name}`);
  throw new RiverConfigurationError(
    `name: must be the name of a client, as in RiverModule.forRoot({ name }); got ${describeValue(name)}.`,
    { code: 'RIVER_INVALID_MODULE_OPTIONS', field: 'name' },
  );
}
