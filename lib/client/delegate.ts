/**
 * Gives a class the methods of a part of its instances: each calls the part's method of the same name.
 * Its type gets them by `interface Whole extends Part {}`.
 */
export function delegate<Whole extends object, Part extends object>(
  whole: { readonly prototype: Whole },
  part: { readonly prototype: Part },
  partOf: (whole: Whole) => Part,
): void {
  for (const name of Object.getOwnPropertyNames(part.prototype)) {
    if (name === 'constructor') continue;
    const method = {
      [name](this: Whole, ...args: unknown[]): unknown {
        const own = partOf(this) as Record<string, (...args: unknown[]) => unknown>;
        return own[name]?.(...args);
      },
    };
    Object.defineProperty(whole.prototype, name, {
      value: method[name],
      writable: true,
      configurable: true,
    });
  }
}
