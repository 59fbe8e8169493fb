import type { Results } from './results.mjs';
import type { Spread } from './statistics.mjs';

export interface Judgement {
  readonly what: string;
  readonly limit: string;
  readonly figures: Spread;
  readonly isReached: boolean;
}
export function judge(results: Results): Judgement[];
