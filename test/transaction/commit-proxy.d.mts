/** A way to a database that loses connections at COMMIT. */
export interface CommitProxy {
  /** The same database, through the proxy. */
  readonly url: string;
  /**
   * Cuts the next connection that sends COMMIT: just before it would reach the server, or when the
   * server has answered it.
   */
  cutNext(when: 'before' | 'after'): void;
  close(): Promise<void>;
}

export function openCommitProxy(url: string): Promise<CommitProxy>;
