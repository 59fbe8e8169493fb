/** Longer than any name that River takes. */
const MAX_NAME = 128;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * A name that a caller supplied, or a text of somebody else's, for a message: at most `max` characters
 * of it, on one line, with escapes for what a terminal or a log would not show as it is.
 */
export function nameText(name: string, max = MAX_NAME): string {
  return escaped(shortened(name, max));
}

/** The same as a string literal. */
export function quotedNameText(name: string): string {
  return escaped(JSON.stringify(shortened(name, MAX_NAME)));
}

function shortened(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text;
}

function escaped(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return SHORT[character] ?? (code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`);
  });
}
