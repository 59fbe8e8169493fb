/** Whether two types are the same one, and not merely assignable to each other. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/**
 * Compiles only if the two types are the same: `same<A, B>(true)`. The files of this folder are
 * checked by the compiler and never run.
 */
export function same<A, B>(_areSame: Same<A, B>): void {
  // Nothing to do: the compiler has judged already.
}

/** The same for the type of a value: `typeOf(value).is<B>(true)`. */
export function typeOf<A>(_value: A): { is<B>(_areSame: Same<A, B>): void } {
  return { is: same };
}
