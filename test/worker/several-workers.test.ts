import { beforeAll, expect, test } from '@jest/globals';
import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { getRiverClientToken, jobArgs, RiverModule, type RiverClient } from 'nestjs-river';
import {
  complete,
  CurrentJob,
  getRiverWorkerToken,
  InjectRiverWorker,
  RiverWorkerModule,
  Work,
  type Outcome,
  type RiverWorker,
  type RiverWorkerModuleOptions,
  type RiverWorkerOptionsFactory,
  type WorkedJob,
  type WorkerMiddleware,
} from 'nestjs-river/worker';
import { typeOrm, withApplication } from '../module/applications.js';
import { createTestDatabase, type TestDatabase } from '../support/index.js';

let first: TestDatabase;
let second: TestDatabase;
beforeAll(async () => {
  [first, second] = [await createTestDatabase(), await createTestDatabase()];
});

const seen: string[] = [];

@Injectable()
class Outer implements WorkerMiddleware {
  async around(job: WorkedJob, next: () => Promise<unknown>): Promise<unknown> {
    seen.push(`outer ${job.kind}`);
    try {
      return await next();
    } finally {
      seen.push('outer end');
    }
  }
}

@Injectable()
class Inner implements WorkerMiddleware {
  constructor(private readonly current: CurrentJob) {}

  async around(_job: WorkedJob, next: () => Promise<unknown>): Promise<unknown> {
    seen.push(`inner ${this.current.job.kind}`);
    return await next();
  }
}

@Injectable()
class Jobs {
  constructor(@InjectRiverWorker('billing') readonly billing: RiverWorker) {}

  @Work('who')
  who(job: WorkedJob): Outcome {
    return complete(job.attemptedBy);
  }
}

@Injectable()
class Settings implements RiverWorkerOptionsFactory {
  createRiverWorkerOptions(): RiverWorkerModuleOptions {
    return { queues: { default: 1 }, clientId: 'second', middleware: [Outer, Inner] };
  }
}

@Module({ providers: [Outer, Inner, Jobs] })
class JobsModule {}

const imports = () => [
  typeOrm(first),
  typeOrm(second, 'billing'),
  RiverModule.forRoot(),
  RiverModule.forRoot({ name: 'billing', dataSource: 'billing' }),
  RiverWorkerModule.forRoot({ queues: { default: 1 }, clientId: 'first' }),
  RiverWorkerModule.forRootAsync({ name: 'billing', useClass: Settings }),
  JobsModule,
];

const clientOf = (app: INestApplicationContext, name?: string): RiverClient =>
  app.get<RiverClient>(getRiverClientToken(name));

test('two workers of one application work the jobs of their own clients', async () => {
  await withApplication(imports(), async (app) => {
    const jobs = jobArgs('who', {});
    await expect(clientOf(app).insertAndWait(jobs)).resolves.toMatchObject({ output: ['first'] });
    expect(seen).toEqual([]);
    const billing = clientOf(app, 'billing');
    await expect(billing.insertAndWait(jobs)).resolves.toMatchObject({ output: ['second'] });
    expect(seen).toEqual(['outer who', 'inner who', 'outer end']);
    expect(app.get(Jobs).billing).toBe(app.get(getRiverWorkerToken('billing')));
    expect(app.get(Jobs).billing.status().clientId).toBe('second');
  });
});
