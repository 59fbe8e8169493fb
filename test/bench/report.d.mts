import type { Results } from './results.mjs';

export function tables(results: Results): string;
