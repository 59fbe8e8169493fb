/**
 * Gives one object a property of its own, over what it has or inherits.
 *
 * @returns puts back what was there, unless somebody else has put something on top
 */
export function defineOwn(target: object, name: string, own: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { ...own, configurable: true });
  return () => {
    const now = Object.getOwnPropertyDescriptor(target, name);
    if (now?.value !== own.value || now?.get !== own.get) return;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}
