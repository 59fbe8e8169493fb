/** Name of the client of a `forRoot()` that gives none. */
export const DEFAULT_RIVER_NAME = 'default';

/**
 * The injection token of a client: a pure function of its name.
 *
 * @param name as given to `RiverModule.forRoot({ name })`
 */
export function getRiverClientToken(name: string = DEFAULT_RIVER_NAME): symbol {
  return Symbol.for(`nestjs-river.RiverClient.${name}`);
}

/** The injection token of the transaction helper that belongs to the client of this name. */
export function getRiverTransactionToken(name: string = DEFAULT_RIVER_NAME): symbol {
  return Symbol.for(`nestjs-river.RiverTransaction.${name}`);
}
