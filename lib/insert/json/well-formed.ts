/**
 * Why Postgres cannot hold a string in text or jsonb; undefined when it can. NUL has no place in a
 * Postgres string, and a surrogate without its partner has no UTF-8 form.
 */
export function whyNotText(value: string): string | undefined {
  if (value.includes('\0')) return 'holds the NUL character (U+0000), which Postgres cannot store';
  if (!value.isWellFormed()) return 'holds half of a surrogate pair, which has no UTF-8 form';
  return undefined;
}
