import { RiverError } from './river-error.js';

/** The module cannot start as it is configured. Thrown while the application starts. */
export class RiverConfigurationError extends RiverError {}
