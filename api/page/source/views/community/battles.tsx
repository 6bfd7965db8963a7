// Battles that run, with score and clock, then those that are proposed, then those that have ended.

import { useEffect, useState } from "preact/hooks";

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { Table } from "../../data/rows.ts";
import { Empty, Panel } from "../../parts/panel.tsx";

const SHOWN = 20;
const ORDER = ["running", "starting", "challenged", "proposed", "completed"];

export function Battles() {
  const table = useFeed("battles", {}, () => new Table((row) => row.battle_id));
  table.version.value;
  const place = (row: Row) => { const found = ORDER.indexOf(row.state); return found < 0 ? ORDER.length : found; };
  const rows = [...table.byKey.values()].sort((a, b) => place(a) - place(b) || b.proposed_at.localeCompare(a.proposed_at)).slice(0, SHOWN);
  return (
    <Panel title="Battles">
      {rows.length === 0 && <Empty loaded={table.loaded.value}>No battle yet. A constellation can challenge another one.</Empty>}
      <ul class="lines">
        {rows.map((row) => (
          <li key={row.battle_id}>
            <Side side={row.challenger} won={row.winner === row.challenger.constellation_id} />
            <span class="soft">{row.state === "running" ? <Left until={row.ends_at} /> : row.state}</span>
            <Side side={row.defender} won={row.winner === row.defender.constellation_id} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Side({ side, won }: { side: Row; won: boolean }) {
  return <span class={won ? "up" : ""}><span class="user" title={side.constellation_id}>{side.constellation_id}</span> <strong>{side.score ?? "–"}</strong></span>;
}

/** The time that is left, in hours, minutes and seconds. */
function Left({ until }: { until: string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((Date.parse(until) - now) / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  return <time dateTime={until}>{Math.floor(seconds / 3600)}:{two(Math.floor(seconds / 60) % 60)}:{two(seconds % 60)} left</time>;
}
