// A player in a few figures, and the way to the next level.

import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { levelOf } from "../../data/progress.ts";
import { useRules } from "../../data/rules.ts";
import { Figure } from "../../parts/figure.tsx";

const NEW = { level: 1, xp: 0, ss: 0, max_leverage: null, streaks: {} };

export function Glance({ progress }: { progress: Row | null }) {
  const rules = useRules();
  const row = progress ?? NEW;
  const leverage = row.max_leverage ?? rules?.levels.leverage_first;
  return (
    <>
      <dl class="figures" aria-label="You at a glance">
        <Figure name="Level">{decimal(row.level)}</Figure>
        <Figure name="XP">{decimal(row.xp)}</Figure>
        <Figure name="Shards earned">{decimal(row.ss)}</Figure>
        <Figure name="Trading streak, days">{decimal(row.streaks.trading?.days ?? 0)}</Figure>
        <Figure name="Leverage, at most">{leverage === undefined ? "–" : decimal(leverage)}</Figure>
      </dl>
      {rules && <ToNext level={row.level} xp={row.xp} rules={rules.levels} />}
    </>
  );
}

function ToNext(props: { level: number; xp: number; rules: Parameters<typeof levelOf>[1] }) {
  const { from, to } = levelOf(props.level, props.rules);
  if (to === null) return <p class="soft">This is the highest level.</p>;
  return (
    <p class="to-next">
      <progress max={to - from} value={props.xp - from} aria-label={`Progress to level ${props.level + 1}`} />
      <span class="soft">{decimal(to - props.xp)} XP to level {props.level + 1}</span>
    </p>
  );
}
