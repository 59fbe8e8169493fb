import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Runs work in the async context of nobody. Whoever starts a worker may be in a transaction or in a
 * request, and its work is part of neither.
 */
export const inOwnContext: <T>(work: () => T) => T = AsyncLocalStorage.snapshot();
