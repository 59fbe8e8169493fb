import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverModule } from 'nestjs-river';
import {
  cancel,
  complete,
  RiverWorker,
  RiverWorkerModule,
  snooze,
  type Outcome,
  type RiverWorkerModuleOptions,
  type WorkedJob,
} from 'nestjs-river/worker';
import type { Connectable } from '../../support/index.js';

/** What a job's args may say of how it is to be worked; `telling.go` reads the same. */
export interface Script {
  readonly output?: unknown;
  readonly error?: string;
  readonly fails?: boolean;
  readonly panic?: string;
  readonly snoozeMs?: number;
  readonly cancel?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly waits?: boolean;
  readonly ignores?: boolean;
}

/** Works a job as its args say. */
async function workScripted(job: WorkedJob): Promise<Outcome | undefined> {
  const { worker: script = {} } = job.args as { worker?: Script };
  if (script.output !== undefined) job.recordOutput(script.output);
  for (const [key, value] of Object.entries(script.metadata ?? {})) job.setMetadata(key, value);
  if (script.waits) {
    await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
    if (!script.ignores) throw job.signal.reason as Error;
  }
  if (script.panic !== undefined) throw new TypeError(script.panic);
  if (script.snoozeMs !== undefined) return snooze(script.snoozeMs);
  if (script.cancel !== undefined) return cancel(script.cancel);
  if (script.error !== undefined || script.fails) throw new NamelessError(script.error ?? '');
  return script.output === undefined ? undefined : complete(script.output);
}

/** Its text is its message, also where that is empty. */
class NamelessError extends Error {
  override name = '';
}

/** Our worker in an application of its own, which works scripted jobs of the kinds given. */
export async function startScriptedWorker(
  { url }: Connectable,
  {
    schema,
    kinds,
    ...options
  }: { readonly schema: string; readonly kinds: readonly string[] } & RiverWorkerModuleOptions,
): Promise<{ worker: RiverWorker; stop: (how?: { cancel: boolean }) => Promise<void> }> {
  @Module({
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url }),
      RiverModule.forRoot({ schema }),
      RiverWorkerModule.forRoot({
        ...options,
        works: Object.fromEntries(kinds.map((kind) => [kind, workScripted])),
      }),
    ],
  })
  class Application {}
  const module = await Test.createTestingModule({ imports: [Application] }).compile();
  await module.init();
  const worker = module.get(RiverWorker);
  return {
    worker,
    stop: async (how) => {
      await worker.stop(how);
      await module.close();
    },
  };
}
