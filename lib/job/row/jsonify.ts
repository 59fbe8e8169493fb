type Omitted = ((...args: never[]) => unknown) | symbol | undefined;

/**
 * What JSON makes of a value of type `T`: methods are left out, `toJSON()` decides, dates become
 * strings. A bigint is written as a JSON integer; one within the safe range comes back as a number,
 * others as strings of their digits.
 */
export type Jsonify<T> = unknown extends T
  ? T
  : T extends { toJSON(...args: never[]): infer U }
    ? Jsonify<U>
    : T extends bigint
      ? number | string
      : T extends string | number | boolean | null
        ? T
        : T extends Omitted
          ? never
          : T extends readonly unknown[]
            ? { [I in keyof T]: Jsonify<T[I]> }
            : T extends object
              ? {
                  [K in keyof T as K extends symbol ? never : T[K] extends Omitted ? never : K]:
                    Jsonify<Exclude<T[K], undefined>> | Extract<T[K], undefined>;
                }
              : never;
