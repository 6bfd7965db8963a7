// Who is signed in. All tabs share a session: the refresh token works once, so one tab at a time exchanges it.

import { signal } from "@preact/signals";

import { ProblemError, request } from "./api.ts";

const KEY = "astra-session";
const EARLY_MS = 60_000; // a token is renewed so long before it expires

interface Kept { user_id: string; refresh_token: string }
interface Answer extends Kept { access_token: string; expires_in: number }
interface Access { token: string; until: number; of: string }

/** The user who is signed in; null for nobody. */
export const user = signal<string | null>(kept()?.user_id ?? null);
let access: Access | null = null;

function kept(): Kept | null {
  const text = localStorage.getItem(KEY);
  return text ? JSON.parse(text) as Kept : null;
}

function keep(answer: Answer): string {
  access = { token: answer.access_token, until: Date.now() + answer.expires_in * 1000, of: answer.user_id };
  localStorage.setItem(KEY, JSON.stringify({ user_id: answer.user_id, refresh_token: answer.refresh_token }));
  user.value = answer.user_id;
  return answer.access_token;
}

function forget(): void {
  access = null;
  localStorage.removeItem(KEY);
  user.value = null;
}

addEventListener("storage", ({ key }) => {
  if (key !== KEY) return;
  const now = kept()?.user_id ?? null;
  if (access?.of !== now) access = null;
  user.value = now;
});

const valid = (): string | null => (access && access.until - EARLY_MS > Date.now() ? access.token : null);

/** Let one tab at a time do something, where the browser can: without HTTPS it cannot. */
const inTurn = <T>(work: () => Promise<T>): Promise<T> => (navigator.locks ? navigator.locks.request(KEY, work) as Promise<T> : work());

/** Return an access token that is still valid for a minute; null when nobody is signed in. */
export async function token(): Promise<string | null> {
  return valid() ?? inTurn(async () => {
    const before = kept();
    if (!before || valid()) return valid(); // signed out, or another caller has exchanged it meanwhile
    try {
      const answer = await request<Answer>("POST", "/v1/auth/refresh", { refresh_token: before.refresh_token });
      return kept()?.refresh_token === before.refresh_token ? keep(answer) : null; // null: signed out meanwhile
    } catch (error) {
      if (error instanceof ProblemError && error.status === 401) { // the session has ended
        forget();
        return null;
      }
      throw error;
    }
  });
}

export async function signIn(login: string, password: string): Promise<void> {
  keep(await request<Answer>("POST", "/v1/auth/login", { login, password }));
}

/** Sign in with a wallet's signature. A wallet without an account gets one. */
export async function signInByWallet(proven: object): Promise<void> {
  keep(await request<Answer>("POST", "/v1/auth/wallet/login", proven));
}

export async function register(username: string, password: string): Promise<void> {
  keep(await request<Answer>("POST", "/v1/auth/register", { username, password }));
}

/** End all sessions of the user, this one with them. */
export async function signOutEverywhere(): Promise<void> {
  await request("POST", "/v1/auth/logout-everywhere", undefined, await token());
  forget();
}

/** End the session here and at the API. */
export async function signOut(): Promise<void> {
  const bearer = await token().catch(() => null);
  forget();
  if (bearer) await request("POST", "/v1/auth/logout", undefined, bearer).catch(() => {});
}
