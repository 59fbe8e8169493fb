/**
 * Rejects, when code is compiled, what is often passed in place of args. The properties are symbols of
 * JavaScript's own classes, so no property of a job's data can be one of them.
 */
export interface PossibleArgs {
  readonly [Symbol.unscopables]?: 'an array is not the args of a job: pass it to insertMany';
  readonly [Symbol.hasInstance]?: 'a class or function is not the args of a job: pass an instance';
  readonly [Symbol.toStringTag]?: 'a promise, Map or Set is not the args of a job: await it, or pass an object';
}

/** An object that can be the args of a job: no array, promise, function, class, Map or Set. */
export type JobObject = object & PossibleArgs;
