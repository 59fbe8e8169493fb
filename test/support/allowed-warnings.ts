/** The file's guard reads the patterns under this key; see `guards/warning-guard.mjs`. */
const ALLOWED: unique symbol = Symbol.for('nestjs-river.test.allowed-warnings');

/** Lets the process emit warnings of this text while the test file runs; say why where it is called. */
export function allowWarning(pattern: RegExp): void {
  const global = globalThis as { [ALLOWED]?: RegExp[] };
  (global[ALLOWED] ??= []).push(pattern);
}
