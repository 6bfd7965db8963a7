// The constellation of whoever is signed in.

import type { Row } from "./feeds.ts";
import { useFeed } from "./follow.ts";
import { Table } from "./rows.ts";

/** Return the own membership, which may still wait for an answer; null without one. Only for whoever is signed in. */
export function useMembership(): Row | null {
  const table = useFeed("membership", {}, () => new Table(() => "own"));
  table.version.value;
  return table.byKey.get("own") ?? null;
}

/** Return whether a member may challenge, and answer challenges. */
export const isLeader = (membership: Row | null): boolean => membership?.state === "member" && ["owner", "admin"].includes(membership.role);

/** Return what to say while the user's place is not decided; nothing when it is. */
export const waitText = (membership: Row | null): string =>
  membership && membership.state !== "member" ? `Your place in ${membership.name || "a constellation"} waits for its answer.` : "";
