import { encodeJson } from '../../insert/json/encode-json.js';
import { InvalidParamsError } from '../../errors/invalid-errors.js';

/** River refuses larger outputs. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** Under this key a job's output is stored. */
export const OUTPUT = 'output';

/**
 * What an attempt sets in its job's metadata, as the JSON text that is merged at its end.
 *
 * @returns undefined when there is nothing to merge
 * @throws InvalidJobError for what JSON cannot hold, InvalidParamsError for an output that is too large
 */
export function encodeMetadata(metadata: ReadonlyMap<string, unknown>): string | undefined {
  if (metadata.size === 0) return undefined;
  const members = Array.from(metadata, ([key, value]) => {
    const text = encodeJson(value, key === OUTPUT ? OUTPUT : `metadata.${key}`);
    if (key === OUTPUT && Buffer.byteLength(text) > MAX_OUTPUT_BYTES) throw outputTooLarge();
    return `${encodeJson(key, 'metadata')}:${text}`;
  });
  return `{${members.join(',')}}`;
}

function outputTooLarge(): InvalidParamsError {
  return new InvalidParamsError(
    'output: is larger than 32 MiB as JSON, which is more than River takes. Store it elsewhere, and record ' +
      'where it is.',
    { code: 'RIVER_INVALID_PARAMS', field: 'output' },
  );
}
