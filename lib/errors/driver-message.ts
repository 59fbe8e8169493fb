/**
 * What an error of the driver says. Its message is empty where several addresses of a host were
 * tried in vain; the code is not.
 */
export function driverMessage(error: unknown): string {
  const { message = '', code = '', fullMessage = message } = Object(error) as DriverError;
  return fullMessage || `the connection failed ${code}`.trimEnd();
}

interface DriverError {
  message?: string;
  code?: string;
  fullMessage?: string;
}
