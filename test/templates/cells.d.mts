export type Axis = 'nest' | 'typeorm' | 'manager' | 'node' | 'typescript' | 'pg' | 'builder';
export type Cell = Readonly<Record<Axis, string>>;

export function cellsOf(args: string[]): { cells: Cell[]; write: boolean };
