let failed = 0;

/** Runs one check and says how it went, on one line that the script outside counts. */
export async function check(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    console.log(`ok   ${what}`);
  } catch (error) {
    failed += 1;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.log(`FAIL ${what}\n     ${text.replaceAll('\n', '\n     ')}`);
  }
}

export function exitCode(): number {
  return failed === 0 ? 0 : 1;
}
