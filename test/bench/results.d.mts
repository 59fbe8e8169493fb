import type { Spread } from './statistics.mjs';

export type Place = readonly [scenario: string, subject: string, figure: string];
export interface Figures {
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  readonly per_second: number;
  readonly rss_growth_mib: number | null;
}
export class Results {
  constructor(mainFigures: Readonly<Record<string, string>>);
  record(
    place: { readonly scenario: string; readonly subject: string; readonly round: number },
    figures: Figures,
  ): void;
  recordDeadRows(subject: string, count: number): void;
  ratio(over: Place, under: Place): Spread | null;
}
