// The names that users have chosen for their public profiles, by id. Those that are drawn at one time are asked for together.

import { batch, type Signal, signal } from "@preact/signals";

import { request } from "./api.ts";
import type { Row } from "./feeds.ts";

const GATHER_MS = 300;
const AT_ONCE = 50;
const KNOWN_MAX = 10_000;

const known = new Map<string, Signal<string>>();
let wanted: string[] = [];

/** Return a user's name; the id until it is known, and for a user without a public profile. A component that reads it is drawn again with the name. */
export function nameOf(id: string): string {
  let name = known.get(id);
  if (!name) {
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(id, (name = signal("")));
    if (wanted.push(id) === 1) setTimeout(() => void ask(), GATHER_MS);
  }
  return name.value || id;
}

/** Ask without a token: all readers see the same names, those of public profiles. */
async function ask(): Promise<void> {
  const ids = wanted.splice(0, AT_ONCE);
  if (wanted.length > 0) setTimeout(() => void ask(), GATHER_MS);
  const users = new URLSearchParams(ids.map((id) => ["user", id]));
  const found = await request<{ profiles: Row[] }>("GET", "/v1/profiles?" + users).catch(() => null); // without names, ids are shown
  batch(() => {
    for (const row of found?.profiles ?? []) {
      const name = known.get(row.user_id);
      if (name) name.value = row.display_name;
    }
  });
}
