// What became of commands that the rules refused: the newest refusal since a component appeared.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { feeds } from "../data/follow.ts";
import type { Row } from "../data/feeds.ts";
import { words } from "../data/texts.ts";

/** Show refusals of a feed of the user's own events, such as `my-social`. */
export function Rejections({ feed }: { feed: string }) {
  const last = useSignal<Row | null>(null);
  useEffect(() => feeds.follow(feed, { last: 1 }, {
    fresh: () => {},
    rows: (rows, { snapshot }) => {
      for (const row of snapshot ? [] : rows) if (row.type.endsWith("Rejected")) last.value = row;
    },
  }), [feed]);
  const row = last.value;
  return <p class={row ? "fault" : "hidden"} role="alert">{row && `Refused: ${words(row.reason)} (${named(row.command ?? row.type.replace("Rejected", ""))}).`}</p>;
}

/** Return a command's class as words: `JoinConstellation` is "join constellation". */
const named = (command: string): string => command.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
