import type { IncomingMessage, ServerResponse } from 'node:http';

/** Names of the loopback interface. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
/** Methods that change nothing. */
const SAFE = ['GET', 'HEAD'];

/**
 * Rejects requests under a name that is not the application's (DNS rebinding), and requests that change
 * something and come from a page of another site (CSRF). No login, so no session to bind a token to:
 * the headers of browsers decide; programs such as curl send neither header.
 *
 * @param name under which the application is reached beside the names of the loopback interface
 */
export function ownSiteOnly(name: string | undefined) {
  const names = [...LOOPBACK, name?.toLowerCase()];
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const { host = '', origin, 'sec-fetch-site': site = 'none' } = request.headers;
    if (!names.includes(host.toLowerCase().replace(/:\d+$/, ''))) {
      return reject(response, 421, 'This application is not served under this host name.');
    }
    const isOwn = ['same-origin', 'none'].includes(String(site));
    const isOwnOrigin = origin === undefined || origin === `http://${host}`;
    if (!SAFE.includes(request.method ?? '') && !(isOwn && isOwnOrigin)) {
      return reject(response, 403, 'The request comes from a page of another site.');
    }
    next();
  };
}

function reject(response: ServerResponse, statusCode: number, message: string): void {
  response.writeHead(statusCode, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ statusCode, message }));
}
