export { ReadOnlyEntityError } from '../errors/setup-errors.js';
export {
  riverEntities,
  RiverJobEntity,
  RiverQueueEntity,
  type RiverEntities,
  type RiverEntitiesOptions,
} from './river-entities.js';
export type { RiverJob } from './river-job.js';
export type { RiverQueue } from './river-queue.js';
export { RiverReadOnlySubscriber } from './river-read-only.subscriber.js';
