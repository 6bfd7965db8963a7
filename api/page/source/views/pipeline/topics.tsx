// Each topic: its events, how many come a second, and how many each group has still to read.

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { Old } from "../../parts/fault.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const EVERY_MS = 2_000;

interface Topic { topic: string; events: number; lag: Record<string, number> | null }
interface Stats { topics: Topic[] }
interface Rated extends Topic { rate: number | null }

const COLUMNS: readonly Column<Rated>[] = [
  { title: "Topic", show: (row) => row.topic },
  { title: "Events", show: (row) => decimal(row.events), isNumber: true },
  { title: "A second", show: (row) => (row.rate === null ? "–" : decimal(row.rate.toFixed(1))), isNumber: true },
  { title: "Lag", show: (row) => <Lag of={row.lag} />, isNumber: true },
];

export function Topics() {
  const asked = usePoll<Stats>("/v1/stats", EVERY_MS);
  const { data, before, error } = asked;
  const known = new Map(before?.data.topics.map((topic) => [topic.topic, topic.events]));
  const rows = (data?.topics ?? []).map((topic) => {
    const was = known.get(topic.topic);
    return { ...topic, rate: before && was !== undefined ? (topic.events - was) / before.seconds : null };
  });
  return (
    <Panel title="Topics" kind="tall">
      <Old of={asked} />
      {(data || error === null) && <RowsTable label="Topics" rows={rows} keyOf={(row) => row.topic} columns={COLUMNS} loaded={data !== null} empty="No topic yet." />}
    </Panel>
  );
}

function Lag({ of }: { of: Record<string, number> | null }) {
  const lags = Object.entries(of ?? {});
  const behind = lags.filter(([, lag]) => lag > 0);
  if (lags.length === 0) return <span class="soft">–</span>;
  const text = lags.map(([group, lag]) => `${group}: ${lag}`).join("\n");
  return <span title={text} class={behind.length ? "warn" : ""}>{decimal(Math.max(...lags.map(([, lag]) => lag)))}</span>;
}
