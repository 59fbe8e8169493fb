import type { TextRow } from '../../postgres/driver/pg-client.js';

/** What the driver returns of a statement. */
export interface Answer {
  readonly command: string;
  readonly rows: readonly TextRow[];
  readonly rowCount: number;
}

export function answer(command: string, rows: readonly TextRow[] = []): Answer {
  return { command, rows, rowCount: rows.length };
}
