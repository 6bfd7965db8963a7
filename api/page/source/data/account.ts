// The account of whoever is signed in, as the API shows it to its owner.

import { useFeed } from "./follow.ts";
import type { Row } from "./feeds.ts";
import { Table } from "./rows.ts";

/** Return the own account; null before it is known. Only for whoever is signed in. */
export function useAccount(): Row | null {
  const table = useFeed("account", {}, () => new Table(() => "own"));
  table.version.value;
  return table.byKey.get("own") ?? null;
}

export const isStaff = (account: Row | null): boolean => account?.role === "moderator" || account?.role === "admin";
