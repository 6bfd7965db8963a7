// Whom the user follows, and what they and the user did last.

import { useFeed } from "../../data/follow.ts";
import { Table, Tape } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { Empty, Panel } from "../../parts/panel.tsx";
import { User } from "../../parts/texts.tsx";
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
  const entries = tape.events.map(({ row }) => row).sort((a, b) => b.at.localeCompare(a.at));
  return (
    <>
      <Follows />
      {entries.length > 0 ? <Entries entries={entries} named /> : <Empty loaded={tape.loaded.value}>Nothing happened yet.</Empty>}
    </>
  );
}

interface Follow { friend: boolean; waits_for: string }

function Follows() {
  const table = useFeed("follows", {}, () => new Table(() => "own"));
  table.version.value;
  const followed = Object.entries<Follow>(table.byKey.get("own")?.followed ?? {}).sort(([a], [b]) => a.localeCompare(b));
  if (followed.length === 0) return <Empty loaded={table.loaded.value}>You follow nobody. A name on a board leads to a profile, where you can.</Empty>;
  return (
    <details>
      <summary>You follow {followed.length}</summary>
      <ul class="lines">
        {followed.map(([id, one]) => <li key={id}><User id={id} /><span class="soft">{one.waits_for ? "waits for the answer" : one.friend ? "friend" : ""}</span></li>)}
      </ul>
    </details>
  );
}
