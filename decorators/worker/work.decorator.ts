import 'reflect-metadata';
import type { ArgsClass } from '../../lib/job/job-args-metadata.js';
import type { Job, WorkedJob } from '../../lib/worker/attempt/job.js';
import {
  addFact,
  WORK,
  type DecodingWorkOptions,
  type KindSource,
  type StandardSchema,
  type WorkOptions,
} from '../../lib/worker/handlers/worker-metadata.js';
import type { Outcome } from '../../lib/worker/outcome/outcome.js';
import { requireMethod } from './require-method.js';

/** Decorates a method that receives `Received`. It returns nothing or an {@link Outcome}, or promises it. */
export type WorkDecorator<Received> = <
  Method extends (job: Received) => void | Outcome | Promise<void | Outcome>,
>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** Options with a `decode` function or a `schema`, which say what the args of the method are. */
type Decoding<Decoded> = WorkOptions &
  (
    | { readonly decode: (args: unknown) => Decoded | Promise<Decoded> }
    | { readonly schema: StandardSchema<Decoded> }
  );

/**
 * Works the jobs of a kind by a method of a provider.
 *
 * The method returns nothing (the job is completed), `complete(output)`, `snooze(ms)`, `cancel(reason)` or
 * `discard(reason)`. What it throws is a failed attempt, which is tried again as long as attempts are left.
 * Guards, interceptors, pipes (for `job.args`) and filters of the method and its class run; global ones do not.
 *
 * @param args the class decorated with `@JobArgs`, or the name of a kind
 * @example
 * @Work(SendReceipt)
 * async send(job: Job<SendReceipt>) {
 *   await this.mail.send(job.args.orderId, { signal: job.signal });
 * }
 */
export function Work<Decoded>(
  args: KindSource,
  options: Decoding<Decoded>,
): WorkDecorator<WorkedJob<Decoded>>;
export function Work<Args extends object>(
  args: ArgsClass<Args>,
  options?: WorkOptions,
): WorkDecorator<Job<Args>>;
// A kind has no class: the method itself says what its args are.
export function Work(kind: string, options?: WorkOptions): WorkDecorator<WorkedJob<never>>;
export function Work(
  source: KindSource,
  options: DecodingWorkOptions<unknown> = {},
): WorkDecorator<never> {
  return (target, propertyKey, descriptor) => {
    addFact(WORK, requireMethod('@Work', target, propertyKey, descriptor), { source, options });
  };
}
