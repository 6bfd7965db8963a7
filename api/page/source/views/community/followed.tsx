// What the user, and all whom the user follows, did last.

import { useFeed } from "../../data/follow.ts";
import { Tape } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Entries } from "./entries.tsx";

const ROWS = 50;

export function Followed() {
  return (
    <Panel title="From whom you follow">
      {user.value ? <Own key={user.value} /> : <Empty loaded>Sign in to see what those do whom you follow.</Empty>}
    </Panel>
  );
}

function Own() {
  const tape = useFeed("community", { last: ROWS }, () => new Tape(ROWS));
  tape.version.value;
  if (tape.events.length === 0) return <Empty loaded={tape.loaded.value}>Nothing yet. Follow a user: a name on a board leads to the profile.</Empty>;
  const entries = tape.events.map(({ row }) => row).sort((a, b) => b.at.localeCompare(a.at));
  return <Entries entries={entries} named />;
}
