/** What a command has of the world around it. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints a line of the answer. */
  readonly print: (line: string) => void;
  /** Prints a line about what went wrong. */
  readonly printError: (line: string) => void;
}

/** The command line makes no sense; nothing was done. */
export class UsageError extends Error {}
