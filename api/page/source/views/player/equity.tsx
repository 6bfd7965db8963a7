// The equity curve: what trading brought, less fees, day by day.

import { curveOf } from "../../data/equity.ts";
import { usd } from "../../data/format.ts";
import { useWindows } from "../../data/windows.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choose } from "../../parts/choose.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { choice } from "../../shell/router.ts";

const DAYS = 500;
const MODES = [["live", "Live"], ["practice", "Practice"]] as const;

export function Equity() {
  const mode = choice("curve", "live", MODES.map(([value]) => value));
  const { rows, loaded } = useWindows("days", {}, DAYS);
  const traded = rows.filter((row) => row[mode].trades > 0 || row[mode].pnl_usd !== "0.00");
  const curve = traded.length > 0 ? curveOf(traded, mode) : null;
  return (
    <Panel title="Equity curve" kind="wide">
      <form onSubmit={(event) => event.preventDefault()}><Choose name="curve" label="Trades" options={MODES} /></form>
      {!curve && <Empty loaded={loaded}>{mode === "live" ? "No trade of a venue yet. Choose practice trades." : "It begins when you place and close a practice trade."}</Empty>}
      {curve && <Chart title="Profit less fees, by day" isDays times={curve.times} series={[{ kind: "line", name: "Profit less fees, USD", values: curve.values, show: (value) => usd(String(value)) }]} />}
    </Panel>
  );
}
