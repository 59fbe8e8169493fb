export { createFakeRiver, type FakeRiver } from './create-fake-river.js';
export type { ExpectedJob, PartOf } from './expected-job.js';
export { FakeRiverClient, type FakeWorker } from './fake-river-client.js';
export { FakeRiverTransaction } from './fake-river-transaction.js';
export { JobRequirementError } from './failure.js';
export { holdTransaction, type HeldTransaction } from './hold-transaction.js';
export type { JobClass } from './job-class.js';
export type { JobSource } from './job-source.js';
export { riverMatchers, type RiverMatchers } from './matchers.js';
export {
  requireInserted,
  requireManyInserted,
  requireNotInserted,
  type ExpectedInList,
} from './require-inserted.js';
export { RiverTestingModule } from './river-testing.module.js';
