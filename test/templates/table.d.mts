import type { Cell } from './cells.mjs';

export function rowOf(cell: Cell): string;
export function rowsOf(text: string): string[];
