import 'reflect-metadata';
import type { ArgsClass } from '../../lib/job/job-args-metadata.js';
import type { JobEvent } from '../../lib/worker/attempt/job-event.js';
import { addFact, JOB_EVENT, type KindSource } from '../../lib/worker/handlers/worker-metadata.js';
import type { JobEventType } from '../../lib/worker/outcome/job-event-type.js';
import { requireMethod } from './require-method.js';

/** Decorates a method that receives the events of jobs. */
export type JobEventDecorator<Args> = <Method extends (event: JobEvent<Args>) => unknown>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** Makes a decorator for the jobs of a class or a kind; without either, for all jobs. */
export interface OnJobEvent {
  <Args extends object>(args: ArgsClass<Args>): JobEventDecorator<Args>;
  (kind?: string): JobEventDecorator<unknown>;
}

function onJobEvent(type: JobEventType, name: string): OnJobEvent {
  return (source?: KindSource): JobEventDecorator<never> =>
    (target, propertyKey, descriptor) => {
      addFact(JOB_EVENT, requireMethod(name, target, propertyKey, descriptor), { type, source });
    };
}

// Each calls its method after the outcome is stored, in the process that worked the job. What the method
// throws is logged.

/** Called when a job is completed. */
export const OnJobCompleted = onJobEvent('completed', '@OnJobCompleted');
/** Called when an attempt has failed and the job is tried again. */
export const OnJobFailed = onJobEvent('failed', '@OnJobFailed');
/** Called when a job is cancelled, by its method or from outside. */
export const OnJobCancelled = onJobEvent('cancelled', '@OnJobCancelled');
/** Called when the last attempt has failed, or the method has discarded the job. */
export const OnJobDiscarded = onJobEvent('discarded', '@OnJobDiscarded');
/** Called when a job is snoozed. */
export const OnJobSnoozed = onJobEvent('snoozed', '@OnJobSnoozed');
/** Called when an attempt was given back at the stop of the worker. */
export const OnJobInterrupted = onJobEvent('interrupted', '@OnJobInterrupted');
/** Called when an attempt goes on long after its time limit. Nothing is stored then. */
export const OnJobStuck = onJobEvent('stuck', '@OnJobStuck');
