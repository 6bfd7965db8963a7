// Requests of whoever is signed in, and commands: requests that have one effect however often they are sent.

import { request } from "./api.ts";
import { token } from "./session.ts";

/** Send a request of the user. */
export async function own<T>(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
  return request<T>(method, path, body, await token(), headers);
}

/** Send a command of the user. The same key makes it the same command. */
export function command<T>(method: string, path: string, body: object | undefined, key: string, headers: Record<string, string> = {}): Promise<T> {
  return own<T>(method, path, body, { ...headers, "Idempotency-Key": key });
}
