import { RiverConfigurationError } from '../errors/setup-errors.js';
import { checkOptions, must, refusal, type Checks } from '../errors/checks.js';
import { schemaName } from '../postgres/connection/schema-name.js';
import { RIVER_JOB, type RiverJob } from './river-job.js';
import { RIVER_QUEUE, type RiverQueue } from './river-queue.js';
import { entityClass } from './river-record.js';

/** Where the tables are, and how the entities are called. */
export interface RiverEntitiesOptions {
  /** The schema of River's tables. Default: the data source's, else what the `search_path` finds. */
  readonly schema?: string | undefined;
  /**
   * Tells the entities of several schemas in one data source apart: `RiverJob_billing`. Default: the
   * entities are called `RiverJob` and `RiverQueue`.
   */
  readonly name?: string | undefined;
}

/** Entity classes for `entities` of a data source, or `TypeOrmModule.forFeature`. */
export interface RiverEntities {
  /** `river_job`. */
  readonly RiverJobEntity: new () => RiverJob;
  /** `river_queue`. */
  readonly RiverQueueEntity: new () => RiverQueue;
}

const refuse = refusal(RiverConfigurationError, 'RIVER_INVALID_MODULE_OPTIONS', 'riverEntities: ');
const CHECKS: Checks<RiverEntitiesOptions> = {
  schema: schemaName,
  name: must('must be a string', (value) => typeof value === 'string'),
};

/**
 * Makes read-only entities of River's tables in a schema, version 6 or later, to join jobs to an
 * application's own tables. TypeORM neither creates nor changes the tables (`synchronize: false`).
 * Call it once for a schema.
 *
 * The default `schema` is the data source's, while `riverMigration` and RiverModule go by the
 * `search_path` alone: where a data source has a `schema`, name River's in all of them.
 *
 * Give the data source `RiverReadOnlySubscriber`, too: without it TypeORM lets removals through.
 *
 * @throws RiverConfigurationError for a schema name that River would not take, or a name that is not
 *   a string
 *
 * @example const { RiverJobEntity } = riverEntities({ schema: 'river' });
 */
export function riverEntities(options: RiverEntitiesOptions = {}): RiverEntities {
  const { schema, name } = checkOptions<RiverEntitiesOptions>(options, CHECKS, { refuse });
  const suffix = name === undefined ? '' : `_${name}`;
  return {
    RiverJobEntity: entityClass(RIVER_JOB, `RiverJob${suffix}`, schema),
    RiverQueueEntity: entityClass(RIVER_QUEUE, `RiverQueue${suffix}`, schema),
  };
}

/** The entities of the schema that the data source or the `search_path` names. */
export const { RiverJobEntity, RiverQueueEntity } = riverEntities();
