import type { ArgsClass } from '../../job/job-args-metadata.js';
import type { JobEventType } from '../outcome/job-event-type.js';
import type { Retry } from '../outcome/retry-policy.js';

/** A class decorated with `@JobArgs`, or the name of a kind. */
export type KindSource = ArgsClass | string;

/** A schema of any library that follows Standard Schema: Zod, Valibot, ArkType. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What the validation by a schema returns. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** What a value does not keep to. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** How a kind of jobs is worked. */
export interface WorkOptions {
  /**
   * Whether the method runs in a transaction that its outcome is part of: its effects and the completion of
   * the job commit together, or neither does. An error that it throws rolls back; an outcome that it throws commits as if it were returned.
   * Middleware runs inside the transaction. Default false.
   */
  readonly transaction?: boolean | undefined;
  /** **Milliseconds** an attempt may take until its signal aborts; false: no limit. Default: the module's. */
  readonly timeoutMs?: number | false | undefined;
  /** Jobs of this kind worked at once in this process, 1 to 10000. Default: as many as there are slots. */
  readonly maxConcurrent?: number | undefined;
  /**
   * When a failed job is tried again: **milliseconds** from now, a time, or undefined for the policy of the
   * module. A time that is past counts as none. What it throws is logged.
   */
  readonly retry?: Retry | undefined;
  /** Earlier names of the kind. Jobs of them are worked as well. */
  readonly kindAliases?: readonly string[] | undefined;
}

/** {@link WorkOptions} with what makes the args of the method from those of the row. */
export interface DecodingWorkOptions<Decoded> extends WorkOptions {
  /** Receives the args as JSON gives them. What it throws fails the attempt. */
  readonly decode?: ((args: unknown) => Decoded | Promise<Decoded>) | undefined;
  /** A schema of the args, instead of `decode`. */
  readonly schema?: StandardSchema<Decoded> | undefined;
}

/** What `@Work` says of a method. */
export interface WorkFact {
  readonly source: KindSource;
  readonly options: DecodingWorkOptions<unknown>;
}

/** What `@OnJobCompleted` and its like say of a method. */
export interface JobEventFact {
  readonly type: JobEventType;
  /** undefined: jobs of all kinds. */
  readonly source: KindSource | undefined;
}

/** What `@Periodic` says of a method. */
export interface PeriodicFact {
  readonly id: string;
  readonly cron?: string | undefined;
  readonly everyMs?: number | undefined;
  readonly runOnStart?: boolean | undefined;
}

/** The key under which the decorators of one name keep what they say of a method. */
interface FactKey<Fact> {
  readonly symbol: symbol;
  /** Never there; carries the type. */
  readonly fact?: Fact;
}

// As `Symbol.for`: what another installed copy of this package has decorated is understood.
export const WORK = key<WorkFact>('work');
export const JOB_EVENT = key<JobEventFact>('jobEvent');
export const PERIODIC = key<PeriodicFact>('periodic');

function key<Fact>(name: string): FactKey<Fact> {
  return { symbol: Symbol.for(`nestjs-river.${name}`) };
}

/** Adds what a decorator says of a method. */
export function addFact<Fact>({ symbol }: FactKey<Fact>, method: object, fact: Fact): void {
  const facts = (Reflect.getOwnMetadata(symbol, method) ?? []) as readonly Fact[];
  Reflect.defineMetadata(symbol, [...facts, fact], method);
}

/** What the decorators of one name say of a method. */
export function factsOf<Fact>({ symbol }: FactKey<Fact>, method: object): readonly Fact[] {
  return (Reflect.getOwnMetadata(symbol, method) ?? []) as readonly Fact[];
}
