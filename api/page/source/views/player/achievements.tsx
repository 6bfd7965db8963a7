// The achievements that a player has earned, and the next ones with what is missing.

import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { type Next, nextOf, titleOf } from "../../data/progress.ts";
import { useRules } from "../../data/rules.ts";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/texts.tsx";

const NOBODY = { level: 1, trades: 0, wins: 0, closes: 0, largest_trade_usd: "0", streaks: {}, social_rating_ppm: null, founded: false, battle_wins: 0, achievements: [] };

export function Achievements({ progress, loaded }: { progress: Row | null; loaded: boolean }) {
  const rules = useRules();
  const row = progress ?? NOBODY;
  return (
    <Panel title="Achievements">
      {!rules || !loaded ? <Empty loaded={false}>{null}</Empty> : (
        <>
          <h3>Earned, {decimal(row.achievements.length)} of {decimal(rules.achievements.length)}</h3>
          {row.achievements.length === 0 && <p class="empty">None yet. Your first trade earns one.</p>}
          <ul class="lines">
            {row.achievements.map((one: { name: string; at: string }) => (
              <li key={one.name}><span><span aria-hidden="true">★ </span>{titleOf(one.name, decimal)}</span><span class="soft"><Time at={one.at} /></span></li>
            ))}
          </ul>
          <h3>Next</h3>
          <ul class="lines">{nextOf(row, rules).map((next) => <NextAchievement key={next.rule.name} {...next} closesMin={rules.win_rate_closes_min} />)}</ul>
        </>
      )}
    </Panel>
  );
}

function NextAchievement({ rule, has, closesMin }: Next & { closesMin: number }) {
  const title = titleOf(rule.name, decimal);
  return (
    <li>
      <span>
        {title}{rule.kind === "win_rate" && <span class="soft"> after {decimal(closesMin)} closed trades</span>}
        <br /><span class="soft">{decimal(rule.xp)} XP, {decimal(rule.ss)} shards</span>
      </span>
      <span class="ahead">
        {rule.at > 1 && <progress max={rule.at} value={has} aria-label={title} />}
        <span class="soft">{decimal(has)} of {decimal(rule.at)}</span>
      </span>
    </li>
  );
}
