// Requests to the API. An error carries what the API says of it (RFC 9457).

/** A failure whose text the reader is told as it is. */
export class MessageError extends Error {}

/** What is wrong with one member of a body or one parameter. */
interface Fault { pointer?: string; parameter?: string; detail: string }

export class ProblemError extends Error {
  constructor(readonly status: number, title: string, readonly detail: string) {
    super(title);
  }
}

/** Return what the API says of a refusal: each fault by its place, or the detail. */
function detailOf({ errors = [], detail = "" }: { errors?: Fault[]; detail?: string }): string {
  if (errors.length < 1) return detail;
  return errors.map(({ pointer, parameter, detail: wrong }) => `${(pointer ?? parameter ?? "").replace(/^#\//, "")}: ${wrong}`).join("; ");
}

/** Return the error that a problem document describes. */
export const problemOf = (status: number, problem: { title?: string; detail?: string; errors?: Fault[] }): ProblemError =>
  new ProblemError(status, problem.title ?? "", detailOf(problem));

/** Return a new key for a command, which then has one effect however often it is sent. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Send a request and return the JSON of its answer.
 *
 * Raise a ProblemError when the API refuses, or a TypeError when it cannot be reached.
 */
export async function request<T>(method: string, path: string, body?: object, token?: string | null, headers: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(path, {
    method,
    headers: {
      Accept: "application/json",
      ...(body ? { "Content-Type": "application/json" } : {}),
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
  throw problemOf(answer.status, { title: answer.statusText, ...await answer.json().catch(() => ({})) });
}

/** Return the answer of a query. */
export function get<T>(path: string, query: Record<string, string> = {}, token?: string | null, headers: Record<string, string> = {}): Promise<T> {
  const text = new URLSearchParams(query).toString();
  return request<T>("GET", text ? `${path}?${text}` : path, undefined, token, headers);
}
