/** A server of its own that can go and come back, on the same port and with the same data. */
export class RestartableServer {
  static start(port: number): Promise<RestartableServer>;
  readonly url: string;
  /** In order (SIGINT), or at once and without ending anything (SIGQUIT), as after a crash. */
  goAway(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}
