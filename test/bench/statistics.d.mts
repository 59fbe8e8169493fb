export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}
export function quantile(values: readonly number[], q: number): number | null;
export function spread(values: readonly (number | null)[]): Spread | null;
