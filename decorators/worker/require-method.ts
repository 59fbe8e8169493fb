import { RiverConfigurationError } from '../../lib/errors/setup-errors.js';

/** @throws RiverConfigurationError on what is not a method of an object, which types may hide */
export function requireMethod(
  decorator: string,
  target: object,
  propertyKey: string | symbol,
  descriptor: { readonly value?: unknown } | undefined,
): object {
  const isStatic = typeof target === 'function';
  const method = descriptor?.value;
  if (!isStatic && typeof method === 'function') return method;
  const { name } = isStatic ? target : target.constructor;
  throw new RiverConfigurationError(
    `${decorator} on ${name}.${String(propertyKey)}: must be on a method of a provider, not on ` +
      `${isStatic ? 'a static method' : 'a property or an accessor'}.`,
    { code: 'RIVER_INVALID_WORKER', field: String(propertyKey) },
  );
}
