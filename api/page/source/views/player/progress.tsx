// Level, experience, streaks and achievements of a player.

import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time, Usd } from "../../parts/texts.tsx";

interface Streak { days: number; best: number }

export function Progress({ user }: { user: string }) {
  const table = useFeed("progress", { user }, () => new Table((row) => row.user_id));
  table.version.value;
  const row = table.byKey.get(user);
  if (!row) return <Panel title="Progress"><Empty loaded={table.loaded.value}>Your first trade starts your progress.</Empty></Panel>;
  return (
    <Panel title="Progress">
      <dl class="figures">
        <Figure name="Level">{row.level}</Figure>
        <Figure name="XP">{decimal(row.xp)}</Figure>
        <Figure name="Shards">{decimal(row.ss)}</Figure>
        <Figure name="Trades">{decimal(row.trades)}</Figure>
        <Figure name="Profit and loss, USD"><Usd amount={row.pnl_usd} signed /></Figure>
      </dl>
      <h3>Streaks</h3>
      <ul class="lines">
        {Object.entries(row.streaks as Record<string, Streak>).map(([kind, streak]) => (
          <li key={kind}>
            <span>{kind.replaceAll("_", " ")}</span>
            <span>{streak.days} {streak.days === 1 ? "day" : "days"} <span class="soft">(best {streak.best})</span></span>
          </li>
        ))}
      </ul>
      <h3>Achievements</h3>
      {row.achievements.length === 0 && <p class="empty">None yet.</p>}
      <ul class="lines">
        {row.achievements.map((one: { name: string; at: string }) => (
          <li key={one.name}><span>★ {one.name.replaceAll(/[-_]/g, " ")}</span><span class="soft"><Time at={one.at} /></span></li>
        ))}
      </ul>
    </Panel>
  );
}
