export function buildIfStale(root?: string): Promise<void>;
