import type { JobState } from 'nestjs-river';

/** The requests and answers of `test/interop/go`, as its sources say. */
export interface GoUniqueOpts {
  readonly byArgs?: boolean;
  readonly byPeriodNs?: number;
  readonly byQueue?: boolean;
  /** Any text, so that a test may give what Go refuses. */
  readonly byState?: readonly string[];
  readonly excludeKind?: boolean;
}

export interface GoOpts {
  readonly maxAttempts?: number;
  /** JSON text. */
  readonly metadata?: string;
  readonly pending?: boolean;
  readonly priority?: number;
  readonly queue?: string;
  readonly scheduledAtUnixMs?: number;
  readonly tags?: readonly string[];
  readonly uniqueOpts?: GoUniqueOpts;
}

/** A field of a Go struct; see `dynamic.go`. */
export interface GoField {
  readonly name: string;
  readonly unique: boolean;
  readonly fields?: readonly GoField[];
}

export interface GoJob {
  readonly kind: string;
  readonly encodedArgs: string;
  readonly uniqueArgs?: { readonly fields: readonly GoField[] };
  readonly opts?: GoOpts;
}

/** What River's client would send of a job. */
export interface GoParams {
  readonly createdAt: string;
  readonly encodedArgs: string;
  readonly kind: string;
  readonly maxAttempts: number;
  readonly metadata: string;
  readonly priority: number;
  readonly queue: string;
  readonly scheduledAt: string;
  readonly state: JobState;
  readonly tags: readonly string[];
  readonly uniqueKey: string | null;
  readonly uniqueStates: string | null;
}

export type GoParamsOrError =
  | { readonly params: GoParams; readonly error?: undefined }
  | { readonly params?: undefined; readonly error: string };

export interface GoInserted {
  readonly job: { readonly id: string; readonly state: JobState; readonly encodedArgs: string };
  readonly uniqueSkippedAsDuplicate: boolean;
}

export interface GoRacer {
  readonly id: string;
  readonly uniqueSkippedAsDuplicate: boolean;
  readonly error?: string;
}

export interface GoWorked {
  readonly id: string;
  readonly kind: string;
  readonly encodedArgs: string;
  readonly startedAtUnixMs: number;
}
