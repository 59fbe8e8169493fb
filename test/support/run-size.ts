/** How much is tried: the variable of the environment, else `ci` in CI, else `here`. */
export function runSize(
  variable: string,
  { here, ci }: { readonly here: number; readonly ci: number },
): number {
  const given = Number(process.env[variable]);
  if (given > 0) return given;
  return process.env['CI'] ? ci : here;
}

/** The seed of all random cases: the same unless told otherwise. */
export const INTEROP_SEED = Number(process.env['INTEROP_SEED'] ?? 20_261_121);
