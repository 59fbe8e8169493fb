/** Random numbers that a seed brings back. */
export interface Random {
  chance(probability: number): boolean;
  /** From 0, and less than the limit. */
  upTo(limit: number): number;
  between(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T;
}

export function randomOf(seed: number, trial: number): Random;
