/** A piece of JSON Schema, as the API's documentation shows it. */
export type JsonSchema = Record<string, unknown>;

/** Reports that the value at `path` is not as it should be. */
type Report = (message: string, path: readonly (string | number)[]) => void;

/** One value of a request: how it is checked, how it is documented, and by `T` its type. */
export interface Field<T> {
  readonly json: JsonSchema;
  readonly isOptional: boolean;
  /** Only ever a promise of the type: what was reported about is never used. */
  check(value: unknown, path: readonly (string | number)[], report: Report): T;
}

export type TypeOf<F> = F extends Field<infer T> ? T : never;

/** A field whose rule fits in one line. */
function simple<T>(
  json: JsonSchema,
  message: string,
  holds: (value: unknown) => boolean,
): Field<T> {
  return {
    json,
    isOptional: false,
    check(value, path, report) {
      if (!holds(value)) report(message, path);
      return value as T;
    },
  };
}

export const text = (json: JsonSchema = {}): Field<string> =>
  simple({ type: 'string', ...json }, 'must be a string', (value) => typeof value === 'string');

/** Text of a form that a pattern describes; `form` says in words what it is. */
export const textLike = (pattern: RegExp, form: string, json: JsonSchema = {}): Field<string> =>
  simple(
    { type: 'string', pattern: pattern.source, ...json },
    `must be ${form}`,
    (value) => typeof value === 'string' && pattern.test(value),
  );

export const flag = (json: JsonSchema = {}): Field<boolean> =>
  simple({ type: 'boolean', ...json }, 'must be true or false', (v) => typeof v === 'boolean');

/** Within the limits the job itself sets, the library decides; so most numbers have none here. */
export const integer = (
  { minimum = -Infinity, maximum = Infinity } = {},
  json: JsonSchema = {},
): Field<number> => {
  const limits = Number.isFinite(maximum) ? ` from ${minimum} to ${maximum}` : '';
  const shown = Number.isFinite(maximum) ? { minimum, maximum } : {};
  return simple(
    { type: 'integer', ...shown, ...json },
    `must be a whole number${limits}`,
    (v) => Number.isSafeInteger(v) && (v as number) >= minimum && (v as number) <= maximum,
  );
};

export function list<T>(item: Field<T>, most: number, json: JsonSchema = {}): Field<T[]> {
  return {
    json: { type: 'array', items: item.json, minItems: 1, maxItems: most, ...json },
    isOptional: false,
    check(value, path, report) {
      if (!Array.isArray(value) || value.length < 1 || value.length > most) {
        report(`must be a list of 1 to ${most} entries`, path);
        return [];
      }
      return value.map((entry, index) => item.check(entry, [...path, index], report));
    },
  };
}

export const optional = <T>(field: Field<T>): Field<T | undefined> => ({
  json: field.json,
  isOptional: true,
  check: (value, path, report) =>
    value === undefined ? undefined : field.check(value, path, report),
});
