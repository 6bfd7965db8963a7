// The feeds that components follow while they are on the page.

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { type Connection, Feeds, type Query, type Receiver } from "./feeds.ts";
import { token, user } from "./session.ts";
import { Shared } from "./shared.ts";

const CHECK_MS = 1_000;

export const feeds = new Feeds();
const shared = new Shared((name, query, receiver) => feeds.follow(name, query, receiver));
export const connection = signal<Connection>("connecting");
/** When the feed that was silent for longest was heard last, in milliseconds since 1970. */
export const heardAt = signal(0);

function check(): void {
  connection.value = feeds.state;
  heardAt.value = feeds.heard;
}

/** Keep `connection` current, and close the connections while the page is hidden. */
export function start(): void {
  feeds.changed = check;
  feeds.token = token;
  let before = user.value;
  user.subscribe((now) => {
    if (now !== before) {
      shared.forget();
      feeds.reconnect();
    }
    before = now;
  });
  setInterval(check, CHECK_MS);
  if (document.hidden) feeds.pause(); // such as a tab that was opened in the background
  document.addEventListener("visibilitychange", () => (document.hidden ? feeds.pause() : feeds.resume()));
}

/** Follow a feed into what `make` returns, and leave it with the component or when the query changes.
 *
 * Components that follow the same feed with the same query share what the first one made.
 */
export function useFeed<R extends Receiver>(name: string, query: Query, make: () => R): R {
  const key = JSON.stringify([name, query]);
  const followed = useMemo(() => shared.of(name, query, make), [key]);
  useEffect(() => followed.hold(), [followed]);
  return followed.rows;
}
