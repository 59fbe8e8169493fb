import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { exploreWorkers, type Explored } from '../../../lib/worker/handlers/explore-workers.js';
import type { WorkedJob } from '../../../lib/worker/attempt/job.js';

/** What an application is made of. */
export interface Application {
  readonly imports?: (Type | DynamicModule)[];
  readonly providers?: Provider[];
  readonly controllers?: Type[];
  readonly works?: Readonly<Record<string, (job: WorkedJob) => unknown>>;
}

/** An application that has started, and what was found in it. */
export interface ExploredApplication extends Explored {
  readonly app: TestingModule;
}

export async function explore({ works = {}, ...parts }: Application): Promise<ExploredApplication> {
  const app = await Test.createTestingModule(parts).compile();
  await app.init();
  const modules = app.get(ModulesContainer, { strict: false });
  const creator = app.get(ExternalContextCreator, { strict: false });
  return { app, ...exploreWorkers(modules, creator, works) };
}

/** The job that a handler receives, as far as handlers look at it. */
export function jobOf(args: unknown = {}): WorkedJob {
  return { id: '1', args, errors: [], attempt: 1 } as unknown as WorkedJob;
}

/** Works a job by what was found for its kind. */
export async function work(explored: Explored, kind: string, job = jobOf()): Promise<unknown> {
  const handler = explored.find(kind);
  if (handler === undefined) throw new Error(`nothing works ${kind}`);
  const { decode } = handler.options;
  if (decode !== undefined) (job as { args: unknown }).args = await decode(job.args);
  return await handler.run(job);
}
