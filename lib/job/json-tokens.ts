const SCALAR = /[^\s{}[\],:"]+/y;
const SPACE = /\s*/y;

/**
 * The tokens of a JSON text, in order, white space left out: punctuation, strings with their quotes,
 * numbers and literals as written. A text that is no JSON is cut into something, too.
 */
export function* jsonTokens(text: string): Generator<string, void> {
  let at = skipSpace(text, 0);
  while (at < text.length) {
    let end = at + 1;
    if (text[at] === '"') end = endOfString(text, at);
    else if (!'{}[],:'.includes(text.charAt(at))) end = skip(SCALAR, text, at);
    yield text.slice(at, end);
    at = skipSpace(text, end);
  }
}

/** Nearly always there is none, as JSON is written here. */
function skipSpace(text: string, at: number): number {
  return text.charCodeAt(at) > 0x20 ? at : skip(SPACE, text, at);
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

/** No regular expression: on strings of megabytes it overflows the engine's stack (tried). */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote === -1 ? text.length : quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === '\\') first--;
  return (at - first) % 2 === 1;
}
