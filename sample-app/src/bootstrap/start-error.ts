/** Something a person can put right: printed as its message alone, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
