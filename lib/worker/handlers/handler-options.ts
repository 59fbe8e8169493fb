import {
  boolean,
  callable,
  checkOptions,
  integer,
  listOf,
  milliseconds,
  nonEmptyString,
  or,
  refusal,
  must,
  type Checks,
} from '../../errors/checks.js';
import { RiverConfigurationError } from '../../errors/setup-errors.js';
import { UnworkableJobError } from '../../errors/worker-errors.js';
import type { HandlerOptions } from '../attempt/handler.js';
import type { DecodingWorkOptions, StandardIssue, StandardSchema } from './worker-metadata.js';

const CHECKS: Checks<DecodingWorkOptions<unknown>> = {
  transaction: boolean,
  timeoutMs: or(false, milliseconds(1)),
  maxConcurrent: integer(1, 10_000),
  retry: callable('a function of the job and its error'),
  kindAliases: listOf(nonEmptyString),
  decode: callable('a function of the args'),
  schema: must('must be a schema that follows Standard Schema', isStandardSchema),
};

/**
 * The options of `@Work`, checked.
 *
 * @param where names the method in errors
 * @throws RiverConfigurationError
 */
export function handlerOptions(
  given: unknown,
  where: string,
): HandlerOptions & { readonly kindAliases: readonly string[] } {
  const refuse = refusal(RiverConfigurationError, 'RIVER_INVALID_WORKER', `${where}: `);
  const { decode, schema, ...options } = checkOptions(given, CHECKS, { refuse });
  if (decode !== undefined && schema !== undefined)
    throw refuse('schema', 'give either `decode` or `schema`, not both');
  return {
    transaction: options.transaction ?? false,
    timeoutMs: options.timeoutMs,
    maxConcurrent: options.maxConcurrent,
    retry: options.retry,
    kindAliases: options.kindAliases ?? [],
    decode: schema === undefined ? decode : decoderOf(schema),
  };
}

/** Makes args by a schema. The error of those that do not keep to it names their fields, and no value. */
function decoderOf(schema: StandardSchema): (args: unknown) => unknown {
  return (args) => {
    const result = schema['~standard'].validate(args);
    return result instanceof Promise ? result.then(valueOf) : valueOf(result);
  };
}

function valueOf(result: Awaited<ReturnType<StandardSchema['~standard']['validate']>>): unknown {
  if (result.issues === undefined) return result.value;
  const fields = [...new Set(result.issues.map(fieldOf))].join(', ');
  throw new UnworkableJobError(`the args do not match the schema of the handler: ${fields}`);
}

function fieldOf({ path = [] }: StandardIssue): string {
  return ['args', ...path.map((step) => String(typeof step === 'object' ? step.key : step))].join(
    '.',
  );
}

function isStandardSchema(value: unknown): boolean {
  const { '~standard': standard } = Object(value) as { '~standard'?: { validate?: unknown } };
  return typeof standard?.validate === 'function';
}
