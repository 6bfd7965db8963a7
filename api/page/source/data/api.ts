// Queries of the API. An error carries what the API says of it (RFC 9457).

export class ProblemError extends Error {
  constructor(readonly status: number, title: string, readonly detail: string) {
    super(title);
  }
}

/** Return the JSON of a path. Raise a ProblemError when the API refuses, or a TypeError when it cannot be reached. */
export async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const text = new URLSearchParams(query).toString();
  const answer = await fetch(text ? `${path}?${text}` : path, { headers: { Accept: "application/json" } });
  if (answer.ok) return answer.json() as Promise<T>;
  const problem = await answer.json().catch(() => ({}));
  throw new ProblemError(answer.status, problem.title ?? answer.statusText, problem.detail ?? "");
}
