// What all users did in each hour of the last week: who was active, what was traded, what XP was earned.

import type { Series } from "../../data/drawing.ts";
import type { Row } from "../../data/feeds.ts";
import { usd } from "../../data/format.ts";
import { secondsOf, useWindows } from "../../data/windows.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choose } from "../../parts/choose.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { choice } from "../../shell/router.ts";

const HOURS = 168;
const HOUR_S = 3_600;
const KINDS = [["users", "Active users"], ["trades", "Trades"], ["volume", "Volume, USD"], ["xp", "XP by source"]] as const;
const COLOURS = ["accent", "up", "warn", "other", "down", "soft"] as const;

export function Activity() {
  const kind = choice("activity", "users", KINDS.map(([value]) => value));
  const { rows, loaded } = useWindows("hours", {}, HOURS);
  const title = KINDS.find(([value]) => value === kind)![1];
  return (
    <Panel title="Activity by hour" kind="high">
      <form onSubmit={(event) => event.preventDefault()}><Choose name="activity" label="Shown" options={KINDS} /></form>
      {rows.length === 0
        ? <Empty loaded={loaded}>Nothing happened in the last {HOURS} hours.</Empty>
        : <Chart title={`${title} by hour`} times={secondsOf(rows)} everyS={HOUR_S} isStacked series={seriesOf(kind, title, rows)} />}
    </Panel>
  );
}

function seriesOf(kind: (typeof KINDS)[number][0], title: string, rows: readonly Row[]): Series[] {
  const bars = (name: string, colour: (typeof COLOURS)[number], of: (row: Row) => string | number, show?: (value: string | number) => string): Series =>
    ({ kind: "bars", name, colour, values: rows.map(of), show });
  if (kind === "users") return [bars(title, "accent", (row) => row.users)];
  if (kind === "trades") return [bars("Live", "accent", (row) => row.live.executions), bars("Practice", "other", (row) => row.practice.executions)];
  if (kind === "volume") {
    const shown = (value: string | number) => usd(String(value));
    return [bars("Live", "accent", (row) => row.live.volume_usd, shown), bars("Practice", "other", (row) => row.practice.volume_usd, shown)];
  }
  const sources = [...new Set(rows.flatMap((row) => Object.keys(row.xp)))].sort();
  return sources.map((source, at) => bars(source.replaceAll("_", " "), COLOURS[at % COLOURS.length]!, (row) => row.xp[source] ?? 0));
}
