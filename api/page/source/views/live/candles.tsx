// What one market traded: candles with their volume, live.

import type { Row } from "../../data/feeds.ts";
import { short, SIZE_DECIMALS } from "../../data/format.ts";
import { secondsOf, useWindows } from "../../data/windows.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choose } from "../../parts/choose.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { choice, choose } from "../../shell/router.ts";

const WINDOWS = 120;
const INTERVALS = [["1d", "Days"], ["1h", "Hours"], ["5m", "5 minutes"], ["1m", "Minutes"]] as const;
const SECONDS = { "1m": 60, "5m": 300, "1h": 3_600, "1d": 86_400 };
const MODES = [["live", "Live"], ["practice", "Practice"]] as const;

type Interval = keyof typeof SECONDS;

export const chosenMode = () => choice("mode", "live", MODES.map(([value]) => value));

export function Candles({ markets, market }: { markets: readonly string[]; market: string }) {
  return (
    <Panel title={market ? `${market} candles, ${chosenMode()}` : "Candles"} kind="roomy">
      <form onSubmit={(event) => event.preventDefault()}>
        <Choose name="chart" label="Market" options={markets.map((each) => [each, each] as const)} />
        <Choose name="every" label="Candles of" options={INTERVALS} />
        <Choose name="mode" label="Trades" options={MODES} />
      </form>
      {market ? <Shown market={market} /> : <Empty loaded={false}>{null}</Empty>}
    </Panel>
  );
}

/** Says that nobody traded, and offers the other trades. */
export function NoTrades() {
  const mode = chosenMode();
  const other = mode === "live" ? "practice" : "live";
  return <>There were no {mode} trades lately. <button type="button" class="link" onClick={() => choose({ mode: other === "live" ? "" : other })}>Show {other} trades</button> </>;
}

function Shown({ market }: { market: string }) {
  const interval = choice<Interval>("every", "1d", INTERVALS.map(([value]) => value));
  const mode = chosenMode();
  const { rows, loaded } = useWindows("candles", { market, interval, mode }, WINDOWS);
  if (rows.length === 0) return <Empty loaded={loaded}><NoTrades />Or choose longer candles, or another market.</Empty>;
  const column = (name: string) => rows.map((row: Row) => row[name] as string);
  return (
    <Chart
      title={`Candles of ${market}`} times={secondsOf(rows)} everyS={SECONDS[interval]} isDays={interval === "1d"}
      series={[
        { kind: "candles", name: market, open: column("open"), high: column("high"), low: column("low"), close: column("close") },
        { kind: "bars", name: "Volume", values: column("volume"), colour: "soft", isLow: true, show: (value) => short(String(value), SIZE_DECIMALS) },
      ]}
    />
  );
}
