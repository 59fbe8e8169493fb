/**
 * What an error of the driver says. Its message is empty where several addresses of a host were
 * tried in vain; the code is not.
 */
export function driverMessage(error: unknown): string {
  const { message = '', code = '' } = Object(error) as { message?: string; code?: string };
  return message || `the connection failed ${code}`.trimEnd();
}
