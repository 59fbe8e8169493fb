import type { Field, JsonSchema, TypeOf } from './field.js';

type Fields = Record<string, Field<unknown>>;

/** Optional fields may be left out of an object, others not. */
type ObjectOf<F extends Fields> = {
  readonly [K in keyof F as undefined extends TypeOf<F[K]> ? never : K]: TypeOf<F[K]>;
} & { readonly [K in keyof F as undefined extends TypeOf<F[K]> ? K : never]?: TypeOf<F[K]> };

export function object<F extends Fields>(fields: F, json: JsonSchema = {}): Field<ObjectOf<F>> {
  return {
    json: documented(fields, json),
    isOptional: false,
    check(value, path, report) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        report('must be a JSON object (sent with Content-Type: application/json)', path);
        return {} as ObjectOf<F>;
      }
      const given = value as Record<string, unknown>;
      for (const name of Object.keys(given)) {
        // A misspelt option that is silently ignored is the worst kind of accepted.
        if (!Object.hasOwn(fields, name)) report('is not known here', [...path, name]);
      }
      const checked = Object.entries(fields).map(([name, field]) => [
        name,
        field.check(given[name], [...path, name], report),
      ]);
      return Object.fromEntries(checked) as ObjectOf<F>;
    },
  };
}

function documented(fields: Fields, json: JsonSchema): JsonSchema {
  const entries = Object.entries(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, field]) => [name, field.json])),
    required: entries.filter(([, field]) => !field.isOptional).map(([name]) => name),
    additionalProperties: false,
    ...json,
  };
}

/** The body type that a schema made by {@link body} describes. */
export type BodyOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { output: infer O }
    ? O
    : never
  : never;

/**
 * A request body, as a Standard Schema (https://standardschema.dev): one description that Nest's
 * StandardSchemaValidationPipe checks, Swagger documents and TypeScript knows. A larger application
 * would take one of the schema libraries here; nothing else would change.
 */
export function body<F extends Fields>(fields: F, json: JsonSchema = {}) {
  const field = object(fields, json);
  type Output = ObjectOf<F>;
  return {
    '~standard': {
      version: 1,
      vendor: 'sample-app',
      types: undefined as { input: Output; output: Output } | undefined,
      validate(value: unknown) {
        const issues: { message: string; path: readonly (string | number)[] }[] = [];
        const output = field.check(value, [], (message, path) => issues.push({ message, path }));
        return issues.length > 0 ? { issues } : { value: output };
      },
      jsonSchema: { input: () => field.json, output: () => field.json },
    },
  } as const;
}
