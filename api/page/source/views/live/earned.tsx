// What users earned last: XP, levels, achievements.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal, utc } from "../../data/format.ts";
import { titleOf } from "../../data/progress.ts";
import { Tape } from "../../data/rows.ts";
import { Empty, Panel } from "../../parts/panel.tsx";
import { User } from "../../parts/texts.tsx";

const ROWS = 40;

function told(row: Row): string | null {
  if (row.type === "XPGained") return `+${decimal(row.amount)} XP`;
  if (row.type === "LevelUp") return `Level ${row.new}`;
  if (row.type === "AchievementUnlocked") return `★ ${titleOf(row.achievement, decimal)}`;
  return null;
}

export function Earned() {
  const tape = useFeed("xp", { last: ROWS }, () => new Tape(ROWS));
  tape.version.value;
  return (
    <Panel title="Earned" kind="roomy">
      {tape.events.length === 0 && <Empty loaded={tape.loaded.value}>Nothing earned yet.</Empty>}
      <ul class="scroll lines" tabIndex={0} aria-label="What users earned last">
        {tape.events.map(({ number, row }) => {
          const text = told(row);
          return text && (
            <li key={number} class={number > 0 ? "new" : ""} title={utc(row.time)}>
              <User id={row.user_id} />
              <span class={`what ${row.type === "XPGained" ? "up" : ""}`}>{text}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
