// The equity curve: what trading brought, less fees, day by day.

import { curveOf } from "../../data/equity.ts";
import type { Row } from "../../data/feeds.ts";
import { usd } from "../../data/format.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { useWindows } from "../../data/windows.ts";
import { Chart } from "../../parts/chart.tsx";
import { Choose } from "../../parts/choose.tsx";
import { textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { choice } from "../../shell/router.ts";

const DAYS = "1000"; // the most that a query answers
const LIVE_DAYS = 7; // are followed
const MODES = [["live", "Live"], ["practice", "Practice"]] as const;

export function Equity({ user }: { user: string }) {
  const { data, error } = useQuery<{ days: Row[] }>(pathOf`/v1/users/${user}/days`, { limit: DAYS }, true);
  const followed = useWindows("days", {}, LIVE_DAYS);
  const rows = [...new Map([...(data?.days ?? []), ...followed.rows].map((row) => [row.day, row])).values()];
  const loaded = (data !== null || error !== null) && followed.loaded;
  const curves = { live: curveOf(rows, "live"), practice: curveOf(rows, "practice") };
  const otherwise = loaded && !curves.live && curves.practice ? "practice" : "live";
  const mode = choice("curve", otherwise, MODES.map(([value]) => value));
  const curve = loaded ? curves[mode] : null;
  return (
    <Panel title="Equity curve" kind="wide">
      <form onSubmit={(event) => event.preventDefault()}><Choose name="curve" label="Trades" options={MODES} otherwise={otherwise} /></form>
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      {!curve && error === null && <Empty loaded={loaded}>{!curves.practice ? "It begins when you place a practice trade." : "No trade of a venue in these 1,000 days. Choose practice trades."}</Empty>}
      {curve && <Chart title="Profit less fees, by day" isDays times={curve.times} series={[{ kind: "line", name: "Profit less fees, USD", values: curve.values, show: (value) => usd(String(value)) }]} />}
    </Panel>
  );
}
