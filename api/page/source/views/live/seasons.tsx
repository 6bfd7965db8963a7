// The periods that run now: how long they last, and what their ranks earn.

import { decimal } from "../../data/format.ts";
import { endOf, periodOf } from "../../data/periods.ts";
import { bandsOf, shardsOf } from "../../data/prizes.ts";
import { type RewardRule, useRules } from "../../data/rules.ts";
import { Countdown } from "../../parts/countdown.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { follow } from "../../shell/router.ts";

const KINDS = [["season", "Season"], ["week", "Week"]] as const;

const titleOf = (rule: RewardRule): string =>
  rule.scope === "constellations" ? "Constellations" : KINDS.find(([kind]) => kind === rule.period)?.[1] ?? rule.period;

export function Seasons() {
  const rules = useRules();
  const today = new Date().toISOString().slice(0, 10);
  const columns: Column<[number, number]>[] = [
    { title: "Rank", show: ([from, to]) => (from === to ? decimal(to) : `${decimal(from)} to ${decimal(to)}`) },
    ...(rules?.rewards ?? []).map((rule) => ({
      title: titleOf(rule),
      show: ([, to]: [number, number]) => { const shards = shardsOf(rule, to); return shards ? decimal(shards) : "–"; },
      isNumber: true,
    })),
  ];
  return (
    <Panel title="Seasons and prizes" kind="roomy">
      <ul class="lines">
        {KINDS.map(([kind, title]) => (
          <li key={kind}><a href={`/boards?period=${kind}`} onClick={follow}>{title} {periodOf(kind, today).split(":")[1]}</a><Countdown until={endOf(kind, today)} /></li>
        ))}
      </ul>
      {!rules && <Empty loaded={false}>{null}</Empty>}
      {rules && (
        <>
          <h3>Shards for the ranks by XP</h3>
          <RowsTable label="Prizes" rows={bandsOf(rules.rewards)} keyOf={String} columns={columns} loaded empty="No rank earns a prize." />
          <p class="soft">A period is sealed {decimal(rules.late_grace_h)} hours after its end. Then its prizes can be claimed for {decimal(rules.claim_days)} days. Those of constellations are for a season, and go to the members who gave shards.</p>
        </>
      )}
    </Panel>
  );
}
