// Fees by hour as bars: one source by beneficiary, or all sources.

import { plus } from "../../data/decimals.ts";
import type { Row } from "../../data/feeds.ts";
import type { Colour, Series } from "../../data/drawing.ts";
import { usd } from "../../data/format.ts";
import { words } from "../../data/texts.ts";
import { secondsOf, useWindows } from "../../data/windows.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choose } from "../../parts/choose.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { choice } from "../../shell/router.ts";

const LASTS = [["168", "Week"], ["24", "Day"], ["500", "Three weeks"]] as const;
const PARTS = [["beneficiary", "Beneficiaries"], ["source", "Sources"]] as const;
const COLOURS: readonly Colour[] = ["accent", "warn", "up", "other", "soft", "down"];
const HOUR_S = 3_600;
const ASSET = "USD";

export function FeesByHour() {
  const last = choice("hours", "168", LASTS.map(([value]) => value));
  const by = choice("by", "beneficiary", PARTS.map(([value]) => value));
  const { rows, loaded } = useWindows("fee-hours", {}, Number(last));
  return (
    <Panel title="Fees by hour, USD" kind="roomy">
      <form onSubmit={(event) => event.preventDefault()}>
        <Choose name="hours" label="Last" options={LASTS} />
        <Choose name="by" label="By" options={PARTS} />
      </form>
      {rows.length === 0 && <Empty loaded={loaded}>No fees in these hours. Choose more of them.</Empty>}
      {rows.length > 0 && <Chart title={`Fees by hour and ${by}`} times={secondsOf(rows)} everyS={HOUR_S} isStacked series={seriesOf(rows, by)} />}
    </Panel>
  );
}

/** Return one series for each beneficiary, or for each source. */
function seriesOf(rows: readonly Row[], by: string): Series[] {
  const hours = rows.map((row) => partsOf(row.fees, by));
  const names = [...new Set(hours.flatMap((hour) => [...hour.keys()]))].sort();
  return names.map((name, place) => ({
    kind: "bars" as const,
    name: words(name),
    values: hours.map((hour) => hour.get(name) ?? null),
    colour: COLOURS[place % COLOURS.length],
    show: (value) => usd(String(value)),
  }));
}

function partsOf(fees: readonly Row[], by: string): Map<string, string> {
  const found = fees.filter(({ asset }) => asset === ASSET);
  if (by === "source") return new Map(found.map(({ source, amount }) => [source, amount]));
  const sums = new Map<string, string>();
  for (const { beneficiaries } of found) for (const [name, amount] of Object.entries<string>(beneficiaries)) sums.set(name, plus(sums.get(name) ?? "0", amount));
  return sums;
}
