/** A Postgres to work on, wherever it came from. */
export interface Database {
  readonly url: string;
  /**
   * Another database of the same server, as its superuser, from which the database and the role of `url`
   * can be created; if that is ours to do.
   */
  readonly maintenanceUrl?: string;
  /** For people: what and where it is. */
  readonly where: string;
}
