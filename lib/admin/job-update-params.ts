import { invalidParams } from '../errors/invalid-params-error.js';
import { checkJson, checkJsonObject, givenParams } from './check-params.js';

/** What `jobUpdate` changes. What is left out, or `undefined`, stays. */
export interface JobUpdateParams {
  /**
   * The output of the job, any JSON value, `null` too: what a Go worker records by
   * `river.RecordOutput`. Kept in the row's metadata under `output`; at most 32 MB.
   */
  readonly output?: unknown;
  /** Keys to set in the row's metadata, at the top level; the others stay. */
  readonly metadata?: object | undefined;
}

/** River's own limit. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/**
 * @returns the JSON text of an object with the keys of the metadata to set; null for none
 * @throws InvalidParamsError naming the parameter and its rule
 */
export function checkJobUpdateParams(params: unknown): string | null {
  const { output, metadata } = givenParams(params, ['output', 'metadata']);
  const members: string[] = [];
  if (metadata !== undefined) members.push(checkJsonObject(metadata, 'metadata').slice(1, -1));
  // Behind them: of a key that is there twice, jsonb keeps the last.
  if (output !== undefined) members.push(`"output":${checkOutput(output)}`);
  return members.length === 0 ? null : `{${members.filter(Boolean).join(',')}}`;
}

function checkOutput(output: unknown): string {
  const text = checkJson(output, 'output');
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_OUTPUT_BYTES) return text;
  throw invalidParams(
    'output',
    `must be at most ${MAX_OUTPUT_BYTES} bytes of JSON, and has ${bytes}`,
  );
}
