/** A request that the API refused, with its reason in words a person can use. */
export class ApiError extends Error {
  constructor(status, answer) {
    const { message = `The server answered ${status}.`, field, code } = answer;
    super(Array.isArray(message) ? message.join('; ') : message);
    this.status = status;
    /** The stable code and the field of an error of the library; undefined otherwise. */
    this.code = code;
    this.field = field;
  }
}

export const get = (path) => request(path);

export const post = (path, body) =>
  request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function request(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}
