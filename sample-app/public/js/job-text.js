/** The args of a job, short: the words of a sort, else each name with its value. */
export function argsText({ kind, args }) {
  if (kind === 'sort' && Array.isArray(args.strings)) return args.strings.join(', ');
  return valuesText(args);
}

/** What the worker recorded of its work; '' while there is nothing. */
export function outputText({ output }) {
  if (output === null) return '';
  return Array.isArray(output.sorted) ? output.sorted.join(', ') : valuesText(output);
}

function valuesText(values) {
  if (typeof values !== 'object' || values === null) return JSON.stringify(values);
  return Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** From when it could be worked until it was done. */
export function tookText({ scheduledAt, finalizedAt }) {
  if (finalizedAt === null) return '';
  const ms = Math.max(0, new Date(finalizedAt) - new Date(scheduledAt));
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
