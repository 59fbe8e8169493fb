import { RiverError } from './river-error.js';

/** A write was asked of an entity of River's tables. Nothing was sent. */
export class ReadOnlyEntityError extends RiverError {
  constructor(entity: string, operation: string) {
    super(
      `${entity} is read-only, so ${operation} is refused: River's rows follow rules that TypeORM does ` +
        'not know. Use the methods of RiverClient, such as insert, jobUpdate, jobCancel and jobDelete.',
      { code: 'RIVER_READ_ONLY_ENTITY', field: entity },
    );
  }
}
