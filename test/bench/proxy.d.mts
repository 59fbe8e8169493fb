export function openProxy(
  url: string,
  delayMs: number,
): Promise<{ readonly url: string; close(): Promise<void> }>;
