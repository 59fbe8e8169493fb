/** A mock as those of `createMock` and `mockDeep`: a function, with every property. */
export function automaticMock(): unknown {
  const properties = new Map<string | symbol, unknown>([['then', undefined]]);
  return new Proxy(() => undefined, {
    get: (_target, name) => {
      if (!properties.has(name)) properties.set(name, automaticMock());
      return properties.get(name);
    },
  });
}
