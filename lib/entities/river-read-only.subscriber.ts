import {
  EventSubscriber,
  type EntityMetadata,
  type EntitySubscriberInterface,
  type InsertEvent,
} from 'typeorm';
import { ReadOnlyEntityError } from '../errors/setup-errors.js';
import { RiverRecord } from './river-record.js';

type Event = Pick<InsertEvent<unknown>, 'metadata'>;

/**
 * Refuses every write to the entities of River's tables before it is sent: those of repositories,
 * entity managers and query builders, cascades included. What TypeORM does not tell subscribers of
 * goes past it: raw SQL, `clear()`, and `callListeners(false)`.
 *
 * @throws ReadOnlyEntityError
 *
 * @example new DataSource({ subscribers: [RiverReadOnlySubscriber], ... })
 */
@EventSubscriber()
export class RiverReadOnlySubscriber implements EntitySubscriberInterface<RiverRecord> {
  listenTo(): typeof RiverRecord {
    return RiverRecord;
  }

  beforeInsert({ metadata }: Event): void {
    refuse(metadata, 'an insert');
  }

  beforeUpdate({ metadata }: Event): void {
    refuse(metadata, 'an update');
  }

  beforeRemove({ metadata }: Event): void {
    refuse(metadata, 'a removal');
  }

  beforeSoftRemove({ metadata }: Event): void {
    refuse(metadata, 'a removal');
  }

  beforeRecover({ metadata }: Event): void {
    refuse(metadata, 'a recovery');
  }
}

function refuse(metadata: EntityMetadata, operation: string): never {
  throw new ReadOnlyEntityError(metadata.name, operation);
}
